"""What SQLAlchemy has no words for: ClickHouse's lambdas, `if`, constants, and predicates that are 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never, cast

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import Function

from segmentator_dagster.domain.rule import Combinator

Expression = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[bool]

ZERO: sa.ColumnElement[int] = sa.literal_column("0")


class Lambda(sa.ColumnElement[Any]):
    """`name -> body`; the body speaks of its argument as `argument(name)`."""

    inherit_cache = False

    def __init__(self, name: str, body: Expression) -> None:
        self.name = name
        self.body = body


@compiles(Lambda)
def _lambda(element: Lambda, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{element.name} -> {compiler.process(element.body, **kw)}"


def argument(name: str) -> Expression:
    """The argument of a lambda, by a name of our own making."""
    return sa.literal_column(name)


def number(value: int) -> sa.ColumnElement[int]:
    """A constant of ours, never a user's value."""
    return sa.literal_column(str(value))


def when(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    chosen: Expression = getattr(sa.func, "if")(condition, then, otherwise)
    return chosen


def combined(combinator: Combinator, parts: Sequence[Predicate]) -> Predicate:
    """The parts joined by AND or OR."""
    match combinator:
        case Combinator.AND:
            return sa.and_(*parts)
        case Combinator.OR:
            return sa.or_(*parts)
        case _:
            assert_never(combinator)


def complement(predicate: Predicate) -> Predicate:
    """NOT as a function: SQLAlchemy's own turns `not (x > 0)` into `x <= 0`, which is wrong for NaN."""
    if isinstance(predicate, Function) and predicate.name == "not":
        (inner,) = predicate.clauses
        return cast("Predicate", inner)
    negated: Predicate = sa.func.not_(predicate, type_=sa.Boolean())
    return negated


def never_null(predicate: Predicate) -> Predicate:
    """Unknown is false."""
    known: Predicate = sa.func.ifNull(predicate, ZERO, type_=sa.Boolean())
    return known
