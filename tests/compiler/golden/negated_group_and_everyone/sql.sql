SELECT `datasets`.`user_activity`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` GROUP BY `datasets`.`user_activity`.`user_id`
HAVING not(countIf(isNull(`datasets`.`user_activity`.`platform_main`)) > 0)
