"""User ids + chosen columns -> one row per member, with the latest values the dataset has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.sql import limit_by

from segmentator_dagster.compiler.expressions import NULL, ONE, ZERO, fn
from segmentator_dagster.compiler.masks import masked
from segmentator_dagster.compiler.tables import USER_ID, dataset_table, has_user, user_id, user_key
from segmentator_dagster.domain import problems
from segmentator_dagster.domain.catalogue import SCALARS, Dataset
from segmentator_dagster.domain.errors import UserError, pointer_to
from segmentator_dagster.domain.problems import shown, suggestion


def output_columns(dataset: Dataset, columns: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns `member_rows` gives: `user_id`, then those asked for, the user key itself left out.

    A column that is called `user_id` without being the key is given as `<dataset>.user_id`.
    """
    return (USER_ID, *(_output_name(dataset, name) for name in columns if name != dataset.user_key))


def member_rows(dataset: Dataset, columns: Sequence[str], members: sa.Select[Any]) -> sa.Select[Any]:
    """Every user of `members` (a statement with one String column `user_id`) exactly once, ordered by id.

    The values of a member come together from one row of the dataset: the latest by its time field, among equally late
    ones the row with the greatest values, column by column in the order asked for (NULL is least). A member without
    rows there has NULLs. Columns that rules cannot compare come as text, masked ones as their masks: those of the same
    row that others see whole. Raises UserError for unknown columns.
    """
    _check(dataset, columns)
    ids = members.subquery("members")
    names = [name for name in columns if name != dataset.user_key]
    if not names:
        return sa.select(ids.c[USER_ID]).distinct().order_by(ids.c[USER_ID])
    labelled = {f"c{index}": name for index, name in enumerate(names, start=1)}
    latest = _latest(dataset, labelled, sa.select(ids.c[USER_ID])).subquery("latest")
    known = sa.select(latest.c[USER_ID], latest.c.has_row, *(latest.c[label] for label in labelled))
    bare = sa.select(ids.c[USER_ID], ZERO.label("has_row"), *(NULL.label(label) for label in labelled))
    # not a join: sorting spills to disk and streams, a join keeps one side in memory
    rows = sa.union_all(known, bare).subquery("member_rows")
    values = (rows.c[label].label(_output_name(dataset, name)) for label, name in labelled.items())
    ordered = sa.select(rows.c[USER_ID].label(USER_ID), *values).order_by(rows.c[USER_ID], rows.c.has_row.desc())
    return limit_by(ordered, [rows.c[USER_ID]], 1)


def _output_name(dataset: Dataset, name: str) -> str:
    return f"{dataset.name}.{name}" if name == USER_ID else name


def _latest(dataset: Dataset, labelled: Mapping[str, str], ids: sa.Select[Any]) -> sa.Select[Any]:
    """The latest row of each member, its columns under their labels.

    LIMIT 1 BY and no aggregate: measured on 5 million rows of 200 000 users, 0.4 s against 1.0 s of argMax over tuples
    where the table is sorted by user, 1.2 s against 1.9 s where it is not.
    """
    table = dataset_table(dataset)
    key = user_key(dataset, table)
    values = {label: _exported(dataset, table, name) for label, name in labelled.items()}
    order = [value.desc() for value in values.values()]  # by what is there, not by masks: everybody gets the same row
    if dataset.time_field is not None:
        order.insert(0, table.c[dataset.time_field].desc())
    seen = {label: masked(value) if _is_masked(dataset, labelled[label]) else value for label, value in values.items()}
    columns = (value.label(label) for label, value in seen.items())
    rows = sa.select(user_id(dataset, table).label(USER_ID), ONE.label("has_row"), *columns)
    present = has_user(dataset, table)
    rows = rows.where(user_id(dataset, table).in_(ids), *([] if present is None else [present]))
    return limit_by(rows.order_by(key, *order), [key], 1)


def _exported(dataset: Dataset, table: sa.FromClause, name: str) -> sa.ColumnElement[Any]:
    field = dataset.field(name)
    column = table.c[name]
    return column if field is None or field.type in SCALARS else fn.toString(column)


def _is_masked(dataset: Dataset, name: str) -> bool:
    field = dataset.field(name)
    return field is not None and field.masked


def _check(dataset: Dataset, columns: Sequence[str]) -> None:
    found = []
    for index, name in enumerate(columns):
        if dataset.field(name) is None:
            known = suggestion(name, (field.name for field in dataset.fields))
            at = pointer_to("", "columns", index)
            found.append(problems.UNKNOWN_FIELD.at(at, dataset=shown(dataset.name), name=shown(name), **known))
        elif name in columns[:index]:
            found.append(problems.DUPLICATE_COLUMN.at(pointer_to("", "columns", index), name=shown(name)))
    if found:
        raise UserError(*found)
