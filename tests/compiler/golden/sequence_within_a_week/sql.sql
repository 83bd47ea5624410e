SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, arraySort(groupUniqArrayIf(toInt64(toInt32(`t`.`date`)), `t`.`platform_main` = {p_1:String})) AS `a_0`, arraySort(groupUniqArrayIf(toInt64(toInt32(`t`.`date`)), true)) AS `a_1`, arraySort(groupUniqArrayIf(toInt64(toInt32(`t`.`date`)), `t`.`platform_main` = {p_2:String})) AS `a_2`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE arrayExists(start -> ifNull(minus(arrayFirstOrNull(t_3 -> t_3 > arrayFirstOrNull(t_2 -> t_2 > start, `facts`.`a_1`), `facts`.`a_2`), start) <= 7, 0), `facts`.`a_0`)
