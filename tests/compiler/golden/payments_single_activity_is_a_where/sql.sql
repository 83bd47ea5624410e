SELECT toString(assumeNotNull(`datasets`.`payments`.`client`)) AS `user_id`
FROM `datasets`.`payments`
WHERE isNotNull(`datasets`.`payments`.`client`) AND ifNull(`datasets`.`payments`.`client` = {p_1:Int64}, 0) GROUP BY `datasets`.`payments`.`client`
