"""`first` and `after` of a list -> how a use case takes them; its refusals -> pointers to `first` and `after`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import strawberry
from pydantic import BaseModel

from segmentator_dagster.api.graphql.cost import MOST_FIRST
from segmentator_dagster.api.graphql.types import read
from segmentator_dagster.api.problems import OUT_OF_RANGE
from segmentator_dagster.domain.errors import UserError

Query = TypeVar("Query", bound=BaseModel)

_POINTERS = {"/limit": "/first", "/cursor": "/after", "/before": "/after"}
First = Annotated[int | None, strawberry.argument(description="most items, 1 to 200; must be said")]
After = Annotated[str | None, strawberry.argument(description="`nextCursor` of the page before, with the same sort")]


def many(first: int | None) -> int:
    """UserError out_of_range, also where nothing is said: there is no list without an end."""
    if first is None or first < 1:
        raise OUT_OF_RANGE.error("/first", bound_en="at least", bound_ru="не меньше", limit=1)
    if first > MOST_FIRST:
        raise OUT_OF_RANGE.error("/first", bound_en="at most", bound_ru="не больше", limit=MOST_FIRST)
    return first


def asked(model: type[Query], first: int | None, filters: dict[str, Any]) -> Query:
    """The query string that REST would take; filters that are None are not said."""
    said = {name: value for name, value in filters.items() if value is not None}
    with paging():
        return read(model, {"limit": many(first), **said})


@contextmanager
def paging() -> Iterator[None]:
    """Around a use case that gives a page."""
    try:
        yield
    except UserError as error:
        problems = [replace(one, pointer=_POINTERS.get(one.pointer, one.pointer)) for one in error.problems]
        raise UserError(*problems, extra=error.extra) from error
