SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND `t`.`sum` > {p_1:Decimal(18, 2)} GROUP BY `t`.`client`) AS `facts`
WHERE toString(`facts`.`user_key`) IN (SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, groupBitOr(toUInt8(plus(multiply(`t`.`platform_main` = {p_2:String}, 1), multiply(`t`.`platform_main` = {p_3:String}, 2)))) AS `did_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND bitTest(`facts`.`did_0`, 1)))
