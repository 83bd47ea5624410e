SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`user_key` IN (SELECT `ranked`.`user_id`
FROM (SELECT `t`.`user_id` AS `user_id`, minOrNull(`t`.`date`) AS `metric`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `ranked`
WHERE isNotNull(`ranked`.`metric`) AND `ranked`.`user_id` IN (SELECT `t`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` AS `t`
WHERE `t`.`platform_main` = {p_1:String} GROUP BY `t`.`user_id`) ORDER BY `ranked`.`metric` DESC, `ranked`.`user_id`
 LIMIT {param_1:Int32})
