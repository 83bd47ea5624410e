SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`, substring(maxOrNull(concat(toString(`t`.`date`), `t`.`platform_main`)), 11) AS `a_0`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE ifNull(`facts`.`a_0` IN {p_1:Array(String)}, 0)
