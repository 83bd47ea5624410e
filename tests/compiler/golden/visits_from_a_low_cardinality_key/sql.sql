SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`user_key` IN (SELECT `t`.`visitor` AS `user_key`
FROM `datasets`.`visits` AS `t`
WHERE `t`.`page` = {p_1:String} GROUP BY `t`.`visitor`)
