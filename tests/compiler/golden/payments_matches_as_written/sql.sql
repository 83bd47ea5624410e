SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND ifNull(match(`t`.`город`, {p_1:String}), 0) GROUP BY `t`.`client`
