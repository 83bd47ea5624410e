SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) AND ifNull(if(mapContains(`t`.`clicks`, {p_1:String}), toNullable(arrayElement(`t`.`clicks`, {p_1:String})), NULL) > {p_2:Int64}, 0) AND isNull(if(mapContains(`t`.`clicks`, {p_3:String}), toNullable(arrayElement(`t`.`clicks`, {p_3:String})), NULL)) GROUP BY `t`.`client`
