SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, groupBitOr(toUInt8(plus(multiply(`t`.`sum` > {p_1:Decimal(18, 2)}, 1), multiply(`t`.`sum` < {p_2:Decimal(18, 2)}, 2)))) AS `did_0`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts` LEFT OUTER JOIN (SELECT `facts`.`user_key` AS `user_key`, toUInt8(plus(multiply(bitTest(`facts`.`did_0`, 0), 1), multiply(bitTest(`facts`.`did_0`, 1), 2))) AS `flags_0`
FROM (SELECT `t`.`client` AS `user_key`, groupBitOr(toUInt8(plus(multiply(`t`.`sum` > {p_3:Decimal(18, 2)}, 1), multiply(`t`.`sum` > {p_4:Decimal(18, 2)}, 2)))) AS `did_0`
FROM `datasets`.`refunds` AS `t` GROUP BY `t`.`client`) AS `facts`) AS `joined_0` ON `joined_0`.`user_key` = `facts`.`user_key`
WHERE ((bitTest(`facts`.`did_0`, 0) AND bitTest(ifNull(`joined_0`.`flags_0`, 0), 0)) OR (bitTest(`facts`.`did_0`, 1) AND bitTest(ifNull(`joined_0`.`flags_0`, 0), 1)))
