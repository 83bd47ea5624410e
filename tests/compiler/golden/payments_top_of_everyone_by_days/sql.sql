SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE toString(`facts`.`user_key`) IN (SELECT `ranked`.`user_id`
FROM (SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`, uniqExact(toDate32(`t`.`paid at`, {p_1:String})) AS `metric`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `ranked`
WHERE isNotNull(`ranked`.`metric`) ORDER BY `ranked`.`metric` ASC, `ranked`.`user_id`
 LIMIT {param_1:Int32})
