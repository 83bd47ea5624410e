"""A `top` -> SELECT of the users it names."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.aggregates import aggregate_expression
from segmentator_dagster.compiler.conditions import Surroundings, is_float, row_predicate
from segmentator_dagster.compiler.expressions import ONE, complement, fn, is_in
from segmentator_dagster.compiler.tables import USER_ID, dataset_table, has_user, user_id, user_key
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.fields import aggregate_result
from segmentator_dagster.domain.rule import Order, Top


def ranked_users(top: Top, dataset: Dataset, among: sa.Select[Any] | None, around: Surroundings) -> sa.Select[Any]:
    """One column `user_id`: the first `count` users by aggregate and then by id, of those in `among` (None: all).

    Users without a matching row have no aggregate here, and those whose aggregate has no value are left out.
    """
    table = dataset_table(dataset)
    metric = aggregate_expression(top.aggregate, None, dataset, table, around.zone.key)
    users = sa.select(user_id(dataset, table).label(USER_ID), metric.label("metric")).select_from(table)
    if (present := has_user(dataset, table)) is not None:
        users = users.where(present)
    if top.where is not None:
        users = users.where(row_predicate(top.where, dataset, table, around))
    ranked = users.group_by(user_key(dataset, table)).subquery("ranked")
    chosen = sa.select(ranked.c[USER_ID]).where(fn.isNotNull(ranked.c.metric))
    if is_float(aggregate_result(dataset, top.aggregate)):
        chosen = chosen.where(complement(fn.ifNull(fn.isNaN(ranked.c.metric), ONE)))
    if among is not None:
        chosen = chosen.where(is_in(ranked.c[USER_ID], among))
    order = ranked.c.metric.desc() if top.order is Order.DESC else ranked.c.metric.asc()
    return chosen.order_by(order, ranked.c[USER_ID]).limit(top.count)
