SELECT `datasets`.`user_activity`.`user_id` AS `user_id`
FROM `datasets`.`user_activity` GROUP BY `datasets`.`user_activity`.`user_id`
HAVING `datasets`.`user_activity`.`user_id` IN (SELECT toString(assumeNotNull(`datasets`.`payments`.`client`)) AS `user_id`
FROM `datasets`.`payments`
WHERE isNotNull(`datasets`.`payments`.`client`) AND `datasets`.`payments`.`sum` >= {p_1:Decimal(18, 2)} AND not(ifNull(`datasets`.`payments`.`город` = {p_2:String}, 0)) GROUP BY `datasets`.`payments`.`client`) OR countIf(position(`datasets`.`user_activity`.`platform_main`, {p_3:String}) > 0) > 0
