SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND (startsWith(toString(`t`.`code`), {p_1:String}) OR toString(`t`.`code`) IN {p_2:Array(String)} OR ifNull(toString(`t`.`level`) = {p_3:String}, 0) OR ifNull(match(toString(`t`.`level`), {p_4:String}), 0) OR isNull(`t`.`level`)) GROUP BY `t`.`client`
