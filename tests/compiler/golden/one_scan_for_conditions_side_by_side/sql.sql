SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, count() AS `a_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE (`facts`.`a_0` >= {p_1:Int64} AND `facts`.`user_key` IN (SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, groupBitOr(toUInt8(multiply(ifNull(lowerUTF8(`t`.`город`) = lowerUTF8({p_2:String}), 0), 1))) AS `did_0`, sum(`t`.`sum`) AS `a_0`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE (`facts`.`a_0` >= {p_3:Decimal(38, 2)} AND bitTest(`facts`.`did_0`, 0))))
