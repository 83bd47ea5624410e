SELECT `t`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` AS `t`
WHERE `t`.`platform_main` = {p_1:String} GROUP BY `t`.`user_id`
