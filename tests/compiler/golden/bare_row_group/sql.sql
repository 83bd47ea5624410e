SELECT `datasets`.`user_activity`.`user_id` AS `user_id`
FROM `datasets`.`user_activity`
WHERE `datasets`.`user_activity`.`platform_main` IN {p_1:Array(String)} AND `datasets`.`user_activity`.`date` >= {p_2:Date} AND `datasets`.`user_activity`.`cohort` BETWEEN {p_3:Date} AND {p_4:Date} GROUP BY `datasets`.`user_activity`.`user_id`
