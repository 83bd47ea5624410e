"""Expressions of ClickHouse as light SQLAlchemy elements: calls, comparisons, AND and OR, lambdas, constants.

SQLAlchemy's own operators look for coercions, types and precedences that say nothing here and cost two thirds of the
time of compiling a rule; they also turn `not (x > 5)` into `x <= 5`, which is wrong for NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import operators
from sqlalchemy.sql.compiler import SQLCompiler

from segmentator_dagster.domain.rule import Combinator

Expression = sa.ColumnElement[Any]
Predicate = sa.ColumnElement[Any]  # of 0 or 1


class Call(sa.ColumnElement[Any]):
    """`name(arguments)`."""

    inherit_cache = False

    def __init__(self, name: str, *arguments: Expression) -> None:
        self.name = name
        self.arguments = arguments


class Infix(sa.ColumnElement[Any]):
    """`left operator right`; operands are columns, calls, constants and parameters, which bind tighter."""

    inherit_cache = False

    def __init__(self, left: Expression, operator: str, right: Expression) -> None:
        self.left = left
        self.operator = operator
        self.right = right


class Joined(sa.ColumnElement[Any]):
    """Predicates joined by AND or OR; one inside another stands in brackets."""

    inherit_cache = False

    def __init__(self, combinator: Combinator, parts: tuple[Predicate, ...]) -> None:
        self.combinator = combinator
        self.parts = parts

    def self_group(self, against: object = None) -> Any:
        """In brackets wherever SQLAlchemy puts it beside something else, but for AND beside AND."""
        beside_and = self.combinator is Combinator.AND and against is operators.and_
        return self if against is None or beside_and else sa.sql.elements.Grouping(self)


class Lambda(sa.ColumnElement[Any]):
    """`name -> body`; the body speaks of its argument as `constant(name)`."""

    inherit_cache = False

    def __init__(self, name: str, body: Expression) -> None:
        self.name = name
        self.body = body


@compiles(Call)
def _call(element: Call, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{element.name}({', '.join(compiler.process(one, **kw) for one in element.arguments)})"


@compiles(Infix)
def _infix(element: Infix, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.left, **kw)} {element.operator} {compiler.process(element.right, **kw)}"


@compiles(Joined)
def _joined(element: Joined, compiler: SQLCompiler, **kw: Any) -> str:
    texts = (
        f"({compiler.process(part, **kw)})" if isinstance(part, Joined) else compiler.process(part, **kw)
        for part in element.parts
    )
    return f" {element.combinator.value.upper()} ".join(texts)


@compiles(Lambda)
def _lambda(element: Lambda, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{element.name} -> {compiler.process(element.body, **kw)}"


class _Functions:
    """`fn.anyName(…)` calls a function of ClickHouse."""

    def __getattr__(self, name: str) -> Callable[..., Call]:
        return partial(Call, name)


fn = _Functions()


@cache
def constant(text: str) -> Expression:
    """SQL of our own making, never a user's: a number, a quoted word, a lambda's argument."""
    return sa.literal_column(text)


def number(value: int) -> Expression:
    return constant(str(value))


ZERO, ONE, NULL, TRUE, FALSE = (constant(text) for text in ("0", "1", "NULL", "true", "false"))


def when(condition: Predicate, then: Expression, otherwise: Expression) -> Expression:
    return Call("if", condition, then, otherwise)


def combined(combinator: Combinator, parts: Iterable[Predicate]) -> Predicate:
    """The parts joined by AND or OR; those joined the same way already become parts of the whole."""
    neutral, absorbing = (TRUE, FALSE) if combinator is Combinator.AND else (FALSE, TRUE)
    flat: list[Predicate] = []
    for part in parts:
        if part is absorbing:
            return absorbing
        if part is not neutral:
            flat += part.parts if isinstance(part, Joined) and part.combinator is combinator else (part,)
    if len(flat) > 1:
        return Joined(combinator, tuple(flat))
    return flat[0] if flat else neutral


all_of = partial(combined, Combinator.AND)
any_of = partial(combined, Combinator.OR)


def is_in(operand: Expression, values: sa.Select[Any]) -> Predicate:
    """Whether the operand is among the values of a SELECT of one column."""
    return Infix(operand, "IN", values.scalar_subquery())


def complement(predicate: Predicate) -> Predicate:
    if isinstance(predicate, Call) and predicate.name == "not":
        return predicate.arguments[0]
    return Call("not", predicate)


def never_null(predicate: Predicate) -> Predicate:
    """Unknown is false."""
    return Call("ifNull", predicate, ZERO)
