"""Dataset -> SQLAlchemy table and user key: the only place where names become SQL identifiers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from clickhouse_connect.driver.binding import escape_str, quote_identifier

from segmentator_dagster.compiler.expressions import fn
from segmentator_dagster.compiler.parameters import server_type
from segmentator_dagster.domain.catalogue import Dataset, is_nullable, unwrapped
from segmentator_dagster.domain.errors import InternalError

USER_ID = "user_id"


def dataset_table(dataset: Dataset) -> sa.FromClause:
    """The table of a dataset with its columns, under the short name `t`; rendered names are always quoted."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(_name(field.name)) for field in (*dataset.fields, *dataset.hidden)]
    return sa.table(_name(dataset.table), *columns, schema=_name(dataset.database)).alias("t")


def user_key(dataset: Dataset, table: sa.FromClause) -> sa.ColumnElement[Any]:
    """The column that names the user, as it is stored."""
    key: sa.ColumnElement[Any] = table.c[dataset.user_key]
    return key


def known_key(dataset: Dataset, table: sa.FromClause) -> sa.ColumnElement[Any]:
    """The same without NULL; rows without a user must be excluded by `has_user`."""
    key = user_key(dataset, table)
    return fn.assumeNotNull(key) if is_nullable(key_type(dataset)) else key


def user_id(dataset: Dataset, table: sa.FromClause) -> sa.ColumnElement[str]:
    """The user key as a String; rows without one must be excluded by `has_user`."""
    return key_as_text(known_key(dataset, table), dataset)


def key_as_text(key: sa.ColumnElement[Any], dataset: Dataset) -> sa.ColumnElement[str]:
    """A key of this dataset that is not NULL, as a String."""
    stored = key_type(dataset)
    if unwrapped(stored) != "String":
        key = fn.toString(key)
    return sa.cast(key, server_type("String")) if stored.startswith("LowCardinality") else key


def has_user(dataset: Dataset, table: sa.FromClause) -> sa.ColumnElement[bool] | None:
    """A filter for rows that belong to a user, or None where every row does."""
    return fn.isNotNull(user_key(dataset, table)) if is_nullable(key_type(dataset)) else None


def key_type(dataset: Dataset) -> str:
    """The ClickHouse type of the user key."""
    field = dataset.field(dataset.user_key)
    if field is None:
        raise InternalError(f"dataset {dataset.name!r} has no column for its user key {dataset.user_key!r}")
    return field.clickhouse_type


def _name(name: str) -> str:
    """Names the dialect would take for SQL already quoted (or for a subquery) are refused."""
    if name.startswith("(") or quote_identifier(name) != f"`{escape_str(name)}`":
        raise InternalError(f"cannot be quoted as an identifier: {name!r}")
    return name
