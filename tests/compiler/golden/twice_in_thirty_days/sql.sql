SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, countIf(`t`.`date` > {p_1:Date} AND `t`.`date` <= {p_2:Date} AND `t`.`platform_main` = {p_3:String}) AS `a_0`
FROM `datasets`.`user_activity` AS `t`
WHERE `t`.`date` >= {p_4:Date} AND `t`.`date` <= {p_5:Date} GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`a_0` >= {p_6:Int64}
