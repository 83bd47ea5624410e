SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND (ifNull(match(`t`.`город`, {p_1:String}), 0) OR not(ifNull(lowerUTF8(`t`.`город`) IN (SELECT arrayJoin(arrayMap(value -> lowerUTF8(value), {p_2:Array(String)})) AS `value`), 0)) OR ifNull(toString(`t`.`город`) IN (SELECT `segmentator`.`list_items`.`value`
FROM `segmentator`.`list_items`
WHERE `segmentator`.`list_items`.`part` IN {p_3:Array(UUID)}), 0) OR (plus(multiply(toMonth(`t`.`paid at`, {p_4:String}), 100), toDayOfMonth(`t`.`paid at`, {p_4:String})) >= {p_5:UInt16} AND plus(multiply(toMonth(`t`.`paid at`, {p_4:String}), 100), toDayOfMonth(`t`.`paid at`, {p_4:String})) <= {p_6:UInt16})) GROUP BY `t`.`client`
