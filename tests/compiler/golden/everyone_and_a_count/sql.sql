SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, count() AS `a_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`a_0` > {p_1:Int64}
