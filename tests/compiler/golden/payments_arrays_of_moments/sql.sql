SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND arrayExists(element -> toDate32(element, {p_1:String}) = {p_2:Date32}, `t`.`calls`) AND arrayExists(element -> toDateTime64(element, 6, 'UTC') IN {p_3:Array(DateTime64(6, 'UTC'))}, `t`.`calls`) AND arrayAll(value -> arrayExists(element -> toDate32(element, {p_4:String}) = value, `t`.`calls`), {p_5:Array(Date32)}) AND arrayAll(value -> arrayExists(element -> element = value, `t`.`calls`), {p_6:Array(DateTime64(6, 'UTC'))}) GROUP BY `t`.`client`
