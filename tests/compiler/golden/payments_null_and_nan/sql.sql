SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, groupBitOr(toUInt8(plus(multiply(not(ifNull(`t`.`score` > {p_1:Float64}, 0)), 1), multiply(not(isNull(`t`.`город`)) AND not(ifNull(`t`.`город` IN {p_2:Array(String)}, 0)) AND not(ifNull(`t`.`score` IN {p_3:Array(Float64)}, 0)), 2)))) AS `did_0`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND bitTest(`facts`.`did_0`, 1))
