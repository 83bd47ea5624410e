"""A search, a sort, a cursor -> one page of segments, lists, people in an order that stays while others come and go."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.segment import Visibility, search_key
from segmentator_dagster.storage.metadata.models import ListRow, SegmentRow
from segmentator_dagster.storage.metadata.people_models import PersonRow

Row = TypeVar("Row", SegmentRow, ListRow, PersonRow)
Any_ = TypeVar("Any_")
Shared = TypeVar("Shared", SegmentRow, ListRow)
Item = TypeVar("Item")

BAD_CURSOR = ProblemKind(
    "bad_cursor",
    Category.INVALID,
    en="The cursor is not one that this list gave.",
    ru="Этот курсор выдан не этим списком.",
    hint_en="Take `next_cursor` of the previous page, with the same sort.",
    hint_ru="Возьмите `next_cursor` предыдущей страницы при той же сортировке.",
)

SORTS = ("id", "-id", "name", "-name", "created_at", "-created_at", "updated_at", "-updated_at")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """`next_cursor` is None on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None


def matching(
    table: type[Shared], search: str, dataset: str | None, viewer: int | None, *, deleted: bool
) -> Select[Shared]:
    """Live rows, or deleted ones, that a viewer sees and that have every word of `search` in their texts; of one
    dataset or of any."""
    query = select(table).where(table.deleted_at.is_not(None) if deleted else table.deleted_at.is_(None))
    query = seen_by(viewer, with_words(query, table.search_text, search), table)
    return query if dataset is None else query.where(table.dataset == dataset)


def seen_by(viewer: int | None, query: Select[Any_], table: type[Shared]) -> Select[Any_]:
    """Those whose segment or list `sees` would show to the viewer."""
    if viewer is None:
        return query
    return query.where(or_(table.visibility == Visibility.TEAM.value, table.owner_id == viewer))


def with_words(query: Select[Any_], text: InstrumentedAttribute[str], search: str) -> Select[Any_]:
    """Those whose `text` has every word of `search` somewhere."""
    for word in search_key(search).split():
        query = query.where(text.contains(word, autoescape=True))
    return query


def page_of(
    session: Session,
    query: Select[Row],
    table: type[Row],
    item: Callable[[Row], Item],
    *,
    sort: str,
    limit: int,
    cursor: str | None,
) -> Page[Item]:
    """At most `limit` of the rows in the order of one of SORTS, from after the cursor on; UserError bad_cursor."""
    rows = session.scalars(_ordered(query, table, sort, cursor).limit(limit + 1)).all()
    following = _cursor_after(rows[limit - 1], sort) if len(rows) > limit else None
    return Page(tuple(item(row) for row in rows[:limit]), following)


def _ordered(query: Select[Row], table: type[Row], sort: str, cursor: str | None) -> Select[Row]:
    column, descending = _sort_column(table, sort), sort.startswith("-")
    if cursor is not None:
        place, last = (
            tuple_(column, table.id),
            tuple_(*_cursor_position(cursor, sort), types=(column.type, table.id.type)),
        )
        query = query.where(place < last if descending else place > last)  # of pairs: an index on both begins there
    if descending:
        return query.order_by(column.desc(), table.id.desc())
    return query.order_by(column, table.id)


def _cursor_after(row: SegmentRow | ListRow | PersonRow, sort: str) -> str:
    value: Any = getattr(row, _sort_column(type(row), sort).key)
    if isinstance(value, datetime):
        value = value.isoformat()
    return base64.urlsafe_b64encode(json.dumps([sort, value, row.id]).encode()).decode().rstrip("=")


def _sort_column(table: type[SegmentRow | ListRow | PersonRow], sort: str) -> Any:
    name = sort.removeprefix("-")
    return table.name_key if name == "name" else getattr(table, name)


def _cursor_position(cursor: str, sort: str) -> tuple[Any, int]:
    try:
        given_sort, value, last_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        name = sort.removeprefix("-")
        if name.endswith("_at"):
            value = datetime.fromisoformat(value)
        if given_sort == sort and _is_id(last_id) and (_is_id(value) if name == "id" else _is_storable(value)):
            return value, last_id
    except (ValueError, TypeError, binascii.Error) as error:
        raise BAD_CURSOR.error("/cursor") from error
    raise BAD_CURSOR.error("/cursor")


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31


def _is_storable(value: object) -> bool:
    """A moment, or text that PostgreSQL can compare with; a ValueError for lone surrogates."""
    return isinstance(value, datetime) or (isinstance(value, str) and b"\0" not in value.encode())
