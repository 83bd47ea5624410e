SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, groupBitOr(toUInt8(multiply(position(`t`.`platform_main`, {p_1:String}) > 0, 1))) AS `did_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) OR `facts`.`user_key` IN (SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND `t`.`sum` >= {p_2:Decimal(18, 2)} AND not(ifNull(`t`.`город` = {p_3:String}, 0)) GROUP BY `t`.`client`))
