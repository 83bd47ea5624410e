SELECT `t`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`
