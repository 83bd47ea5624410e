"""The saved definition of an audience: sets of users above, conditions on one row below, never mixed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | None


class Combinator(StrEnum):
    AND = "and"
    OR = "or"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field of a row. `operator` is a key of `OPERATORS`, `value` has its shape."""

    field: str
    operator: str
    value: Value = None


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Conditions that must hold (or, negated, must not hold) together on the same row."""

    combinator: Combinator
    rules: tuple[RowRule, ...]
    negated: bool = False


RowRule = Condition | RowGroup


class Aggregate(StrEnum):
    """What is computed over a user's matching rows and then compared with a number."""

    ROWS = "rows"


@dataclass(frozen=True, slots=True)
class Activity:
    """Users whose rows in `dataset` matching `where` (None: any row) satisfy `aggregate operator value`.

    Computed now: `rows >= 1` (did) and `rows = 0` (did not). `bare` remembers that it was written as a row group
    alone, so that problems point into what was written; it is no part of the meaning.
    """

    dataset: str
    where: RowGroup | None = None
    aggregate: Aggregate = Aggregate.ROWS
    operator: str = ">="
    value: int = 1
    negated: bool = False
    bare: bool = field(default=False, compare=False, repr=False)

    @property
    def did(self) -> bool:
        """Whether it names the users with a matching row; otherwise the ones without."""
        return ((self.operator, self.value) == (">=", 1)) != self.negated


@dataclass(frozen=True, slots=True)
class Everyone:
    """All users of the base dataset."""

    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Intersection (and) or union (or) of audiences; negated, its complement within the base dataset's users."""

    combinator: Combinator
    rules: tuple[Rule, ...]
    negated: bool = False


Rule = Group | Activity | Everyone
