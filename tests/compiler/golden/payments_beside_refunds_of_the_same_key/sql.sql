SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND `t`.`sum` > {p_1:Decimal(18, 2)} GROUP BY `t`.`client`) AS `facts`
WHERE `facts`.`user_key` IN (SELECT `facts`.`user_key` AS `user_key`
FROM (SELECT `t`.`client` AS `user_key`, groupBitOr(toUInt8(multiply(`t`.`sum` > {p_2:Decimal(18, 2)}, 1))) AS `did_0`, count() AS `a_0`
FROM `datasets`.`refunds` AS `t` GROUP BY `t`.`client`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND `facts`.`a_0` < {p_3:Int64}))
