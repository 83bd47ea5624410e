SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE not(modulo(xxHash64(concat({p_1:String}, `facts`.`user_key`)), 1000000) < 500000)
