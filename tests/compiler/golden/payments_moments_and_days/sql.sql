SELECT toString(assumeNotNull(`datasets`.`payments`.`client`)) AS `user_id`
FROM `datasets`.`payments`
WHERE isNotNull(`datasets`.`payments`.`client`) GROUP BY `datasets`.`payments`.`client`
HAVING countIf(`datasets`.`payments`.`paid at` < {p_1:DateTime64(6, 'UTC')} AND toDateTime64(`datasets`.`payments`.`paid at`, 6, 'UTC') IN {p_2:Array(DateTime64(6, 'UTC'))}) > 0 AND countIf(toDate32(`datasets`.`payments`.`paid at`, {p_3:String}) = {p_4:Date32}) > 0
