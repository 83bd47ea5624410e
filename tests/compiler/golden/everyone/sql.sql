SELECT `datasets`.`user_activity`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` GROUP BY `datasets`.`user_activity`.`user_id`
