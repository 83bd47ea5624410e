SELECT `t`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` AS `t`
WHERE (`t`.`platform_main` IN {p_1:Array(String)} AND `t`.`date` >= {p_2:Date} AND `t`.`cohort` BETWEEN {p_3:Date} AND {p_4:Date}) GROUP BY `t`.`user_id`
