"""Uploaded lists -> the SELECT of their values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import FALSE, Expression, Infix, Predicate, any_of, is_in
from segmentator_dagster.compiler.parameters import list_parameters

TABLE = "list_items"


def values_of(parts: Sequence[object], database: str) -> sa.Select[Any]:
    """One column: the values of these parts of a list."""
    items = sa.table(TABLE, sa.column("part"), sa.column("value"), schema=database)
    return sa.select(items.c.value).where(
        any_of(Infix(items.c.part, "IN", array) for array in list_parameters("UUID", parts))
    )


def on_list(text: Expression, parts: Sequence[object], database: str) -> Predicate:
    """Whether a text is among the values; a list without parts has none."""
    return is_in(text, values_of(parts, database)) if parts else FALSE
