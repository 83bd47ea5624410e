SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, groupBitOr(toUInt8(plus(plus(multiply(`t`.`platform_main` = {p_1:String}, 1), multiply(`t`.`date` > {p_2:Date}, 2)), multiply(not(startsWith(`t`.`platform_main`, {p_3:String}) OR not(endsWith(`t`.`platform_main`, {p_4:String}))), 4)))) AS `did_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND not(bitTest(`facts`.`did_0`, 1)) AND not(bitTest(`facts`.`did_0`, 2)))
