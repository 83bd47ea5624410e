SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND arrayExists(element -> element = {p_1:String}, `t`.`goods`) AND arrayExists(element -> element IN {p_2:Array(String)}, `t`.`goods`) AND arrayAll(value -> arrayExists(element -> element = value, `t`.`goods`), {p_3:Array(String)}) AND not(empty(`t`.`goods`)) GROUP BY `t`.`client`
