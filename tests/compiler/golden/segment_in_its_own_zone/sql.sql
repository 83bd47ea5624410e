SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts` LEFT OUTER JOIN (SELECT toString(`facts`.`user_key`) AS `user_key`, toUInt8(plus(multiply(bitTest(`facts`.`did_0`, 0) OR `facts`.`a_0` > {p_1:Int64} OR `facts`.`a_1` > {p_2:Int64} OR ifNull(toDate32(`facts`.`a_2`, {p_3:String}) = {p_4:Date32}, 0) OR arrayExists(start -> isNotNull(arrayFirstOrNull(t_2 -> t_2 > start, `facts`.`a_4`)), `facts`.`a_3`), 1), multiply(bitTest(`facts`.`did_0`, 1), 2))) AS `flags_0`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, groupBitOr(toUInt8(plus(multiply(toDate32(`t`.`paid at`, {p_5:String}) = {p_6:Date32}, 1), multiply(true, 2)))) AS `did_0`, countIf(toDate32(`t`.`paid at`, {p_7:String}) = {p_8:Date32}) AS `a_0`, uniqExact(toDate32(`t`.`paid at`, {p_9:String})) AS `a_1`, maxOrNull(`t`.`paid at`) AS `a_2`, arraySort(groupUniqArrayIf(toInt64(toUnixTimestamp(`t`.`paid at`)), toDate32(`t`.`paid at`, {p_10:String}) = {p_11:Date32})) AS `a_3`, arraySort(groupUniqArrayIf(toInt64(toUnixTimestamp(`t`.`paid at`)), true)) AS `a_4`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`) AS `joined_0` ON `joined_0`.`user_key` = `facts`.`user_key`
WHERE ((`facts`.`user_key` IN (SELECT `ranked`.`user_id`
FROM (SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`, uniqExact(toDate32(`t`.`paid at`, {p_12:String})) AS `metric`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND toDate32(`t`.`paid at`, {p_13:String}) = {p_14:Date32} GROUP BY `t`.`client`) AS `ranked`
WHERE isNotNull(`ranked`.`metric`) ORDER BY `ranked`.`metric` ASC, `ranked`.`user_id`
 LIMIT {param_1:Int32}) OR bitTest(ifNull(`joined_0`.`flags_0`, 0), 0)) AND bitTest(ifNull(`joined_0`.`flags_0`, 0), 1))
