SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, groupBitOr(toUInt8(multiply(`t`.`platform_main` = {p_1:String}, 1))) AS `did_0`, count() AS `a_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE not(bitTest(`facts`.`did_0`, 0) AND `facts`.`a_0` > {p_2:Int64})
