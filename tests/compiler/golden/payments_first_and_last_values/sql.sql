SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, substring(minOrNull(concat(toString(`t`.`paid at`, 'UTC'), `t`.`город`)), 20) AS `a_0`, argMaxOrNull(`t`.`sum`, tuple(`t`.`paid at`, `t`.`sum`)) AS `a_1`, minOrNullIf(`t`.`score`, not(isNaN(`t`.`score`))) AS `a_2`, uniqExactIf(plus(`t`.`score`, 0), ifNull(`t`.`score` > {p_1:Float64}, 0) AND not(isNaN(`t`.`score`))) AS `a_3`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE (not(ifNull(`facts`.`a_0` = {p_2:String}, 0)) OR ifNull(`facts`.`a_1` > {p_3:Decimal(18, 2)}, 0) OR ifNull(`facts`.`a_2` BETWEEN {p_4:Float64} AND {p_5:Float64}, 0) OR `facts`.`a_3` > {p_6:Int64})
