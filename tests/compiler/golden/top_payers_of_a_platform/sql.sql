SELECT `facts`.`user_key` AS `user_id`
FROM (SELECT `t`.`user_id` AS `user_key`
FROM `datasets`.`user_activity` AS `t` GROUP BY `t`.`user_id`) AS `facts`
WHERE `facts`.`user_key` IN (SELECT `ranked`.`user_id`
FROM (SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`, divide(toFloat64(sumIf(`t`.`score`, not(isNaN(`t`.`score`)))), nullIf(countIf(not(isNaN(`t`.`score`))), 0)) AS `metric`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND toDate32(`t`.`paid at`, {p_1:String}) > {p_2:Date32} AND `t`.`paid at` <= {p_3:DateTime64(6, 'UTC')} GROUP BY `t`.`client`) AS `ranked`
WHERE isNotNull(`ranked`.`metric`) AND not(ifNull(isNaN(`ranked`.`metric`), 1)) AND `ranked`.`user_id` IN (SELECT `t`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` AS `t`
WHERE `t`.`platform_main` = {p_4:String} GROUP BY `t`.`user_id`) ORDER BY `ranked`.`metric` DESC, `ranked`.`user_id`
 LIMIT {param_1:Int32})
