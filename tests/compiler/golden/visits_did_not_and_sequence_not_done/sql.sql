SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`user_key` IN (SELECT `facts`.`user_key` AS `user_key`
FROM (SELECT `t`.`visitor` AS `user_key`, groupBitOr(toUInt8(plus(multiply(`t`.`page` = {p_1:String}, 1), multiply(isNull(`t`.`at`), 2)))) AS `did_0`, arraySort(groupUniqArrayIf(toInt64(toUnixTimestamp(`t`.`at`)), `t`.`page` = {p_2:String} AND isNotNull(`t`.`at`))) AS `a_0`, arraySort(groupUniqArrayIf(toInt64(toUnixTimestamp(`t`.`at`)), `t`.`page` = {p_3:String} AND isNotNull(`t`.`at`))) AS `a_1`
FROM `datasets`.`visits` AS `t` GROUP BY `t`.`visitor`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND not(bitTest(`facts`.`did_0`, 1)) AND not(arrayExists(start -> isNotNull(arrayFirstOrNull(t_2 -> t_2 > start, `facts`.`a_1`)), `facts`.`a_0`))))
