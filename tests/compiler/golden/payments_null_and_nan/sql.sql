SELECT toString(assumeNotNull(`datasets`.`payments`.`client`)) AS `user_id`
FROM `datasets`.`payments`
WHERE isNotNull(`datasets`.`payments`.`client`) GROUP BY `datasets`.`payments`.`client`
HAVING countIf(not(ifNull(`datasets`.`payments`.`score` > {p_1:Float64}, 0))) > 0 AND countIf(not(isNull(`datasets`.`payments`.`город`)) AND not(ifNull(`datasets`.`payments`.`город` IN {p_2:Array(String)}, 0)) AND not(ifNull(`datasets`.`payments`.`score` IN {p_3:Array(Float64)}, 0))) > 0
