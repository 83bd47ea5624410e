SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND ifNull(`t`.`client` = {p_1:Int64}, 0) GROUP BY `t`.`client`
