SELECT `datasets`.`user_activity`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` GROUP BY `datasets`.`user_activity`.`user_id`
HAVING countIf(`datasets`.`user_activity`.`platform_main` = {p_1:String}) > 0 AND not(countIf(`datasets`.`user_activity`.`date` > {p_2:Date}) > 0) AND not(countIf(not(startsWith(`datasets`.`user_activity`.`platform_main`, {p_3:String}) OR not(endsWith(`datasets`.`user_activity`.`platform_main`, {p_4:String})))) > 0)
