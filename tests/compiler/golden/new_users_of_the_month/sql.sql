SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, minOrNull(`t`.`date`) AS `a_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE ifNull(`facts`.`a_0` BETWEEN {p_1:Date} AND {p_2:Date}, 0)
