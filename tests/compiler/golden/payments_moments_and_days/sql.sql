SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, groupBitOr(toUInt8(plus(multiply(`t`.`paid at` < {p_1:DateTime64(6, 'UTC')} AND toDateTime64(`t`.`paid at`, 6, 'UTC') IN {p_2:Array(DateTime64(6, 'UTC'))}, 1), multiply(toDate32(`t`.`paid at`, {p_3:String}) = {p_4:Date32}, 2)))) AS `did_0`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND `t`.`paid at` >= {p_5:DateTime64(6, 'UTC')} AND `t`.`paid at` <= {p_6:DateTime64(6, 'UTC')} GROUP BY `t`.`client`) AS `facts`
WHERE (bitTest(`facts`.`did_0`, 0) AND bitTest(`facts`.`did_0`, 1))
