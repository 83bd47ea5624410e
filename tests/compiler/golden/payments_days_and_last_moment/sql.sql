SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, uniqExact(toDate32(`t`.`paid at`, {p_1:String})) AS `a_0`, maxOrNull(`t`.`paid at`) AS `a_1`, uniqExact(`t`.`город`) AS `a_2`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE (`facts`.`a_0` BETWEEN {p_2:Int64} AND {p_3:Int64} OR ifNull(`facts`.`a_1` <= {p_4:DateTime64(6, 'UTC')}, 0) OR not(`facts`.`a_2` IN {p_5:Array(Int64)}))
