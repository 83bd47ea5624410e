SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t`
WHERE `t`.`platform_main` = {p_1:String} GROUP BY `t`.`user_id`) AS `facts`
WHERE (not(`facts`.`user_key` IN (SELECT `segmentator`.`list_items`.`value`
FROM `segmentator`.`list_items`
WHERE `segmentator`.`list_items`.`part` IN {p_2:Array(UUID)})) AND modulo(xxHash64(concat({p_3:String}, `facts`.`user_key`)), 1000000) < 125000)
