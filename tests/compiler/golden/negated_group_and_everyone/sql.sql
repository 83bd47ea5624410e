SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, groupBitOr(toUInt8(multiply(isNull(`t`.`platform_main`), 1))) AS `did_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE not(bitTest(`facts`.`did_0`, 0))
