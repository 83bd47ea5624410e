"""Uploaded lists -> the SELECT of their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import Expression, Predicate
from segmentator_dagster.compiler.parameters import list_parameters, server_type

TABLE = "list_items"


def values_of(parts: Sequence[object], database: str) -> sa.Select[Any]:
    """One column: the values of these parts of a list."""
    items = sa.table(TABLE, sa.column("part", server_type("UUID")), sa.column("value"), schema=database)
    return sa.select(items.c.value).where(
        sa.or_(*(items.c.part.in_(array) for array in list_parameters("UUID", parts)))
    )


def on_list(text: Expression, parts: Sequence[object], database: str) -> Predicate:
    """Whether a text is among the values; a list without parts has none."""
    return text.in_(values_of(parts, database)) if parts else sa.false()
