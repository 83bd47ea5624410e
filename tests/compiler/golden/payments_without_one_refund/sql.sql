SELECT toString(`facts`.`user_key`) AS `user_id`
FROM (SELECT assumeNotNull(`t`.`client`) AS `user_key`, count() AS `a_0`
FROM `datasets`.`payments` AS `t`
WHERE isNotNull(`t`.`client`) GROUP BY `t`.`client`) AS `facts`
WHERE (`facts`.`a_0` > {p_1:Int64} AND not(`facts`.`user_key` IN (SELECT `t`.`client` AS `user_key`
FROM `datasets`.`refunds` AS `t`
WHERE `t`.`sum` > {p_2:Decimal(18, 2)} GROUP BY `t`.`client`)))
