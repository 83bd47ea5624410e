"""The saved definition of an audience: sets of users above, conditions on one row below, never mixed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType

LANGUAGE_VERSION = 2


class Unit(StrEnum):
    """Days and longer are counted by the calendar, hours by the clock."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: `count` of `unit`."""

    count: int
    unit: Unit


Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | Span | None

UNREAD = ""
"""The operator of a comparison that could not be read, see `parsing.Reading`; no rule without problems has it."""


class Combinator(StrEnum):
    AND = "and"
    OR = "or"

    @property
    def dual(self) -> Combinator:
        """What the complement of a group is joined by (De Morgan)."""
        return Combinator.OR if self is Combinator.AND else Combinator.AND


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of one field of a row. `operator` is a key of `OPERATORS`, `value` has its shape.

    `key` names an entry of a map or a path of JSON, `read_as` the type its text is read as.
    """

    field: str
    operator: str
    value: Value = None
    key: str | None = None
    read_as: FieldType | None = None
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Conditions that must hold (or, negated, must not hold) together on the same row."""

    combinator: Combinator
    rules: tuple[RowRule, ...]
    negated: bool = False


RowRule = Condition | RowGroup


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is computed over a user's matching rows and then compared; `field` as in a condition."""

    function: Function = Function.ROWS
    field: str | None = None
    key: str | None = None
    read_as: FieldType | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A condition on the dataset's time field."""

    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Activity:
    """Users whose rows in `dataset` matching `where` (None: any row) satisfy `aggregate operator value`.

    `bare` remembers that it was written as a row group alone, so that problems point into what was written; it is no
    part of the meaning. `time_zone` is set where a rule was put together out of several: the zone this part reads
    its days in.
    """

    dataset: str
    where: RowGroup | None = None
    aggregate: Aggregate = Aggregate()
    operator: str = ">="
    value: Value = 1
    window: Window | None = None
    negated: bool = False
    time_zone: str | None = None
    bare: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Users with a row of each step at strictly later moments, the last at most `within` after the first."""

    dataset: str
    steps: tuple[RowGroup | None, ...]
    within: Span | None = None
    window: Window | None = None
    negated: bool = False
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class SegmentMembers:
    """The audience of another segment as it is defined now."""

    segment_id: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ListMembers:
    """Users whose id is in an uploaded list; `parts` are what the list consists of, once it was looked up."""

    list_id: int
    negated: bool = False
    parts: tuple[str, ...] = ()


SLICES = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Users whose hash under `seed` falls into slices `start` ≤ slice < `end` of SLICES."""

    start: int
    end: int
    seed: str
    negated: bool = False


class Order(StrEnum):
    DESC = "desc"
    ASC = "asc"


@dataclass(frozen=True, slots=True)
class Top:
    """Of the users of `rule`, the `count` with the greatest (or least) aggregate over their matching rows.

    `base` is set where it is part of a rule over another base dataset: whose users it chooses from.
    """

    count: int
    order: Order
    dataset: str
    aggregate: Aggregate
    rule: Rule
    where: RowGroup | None = None
    window: Window | None = None
    negated: bool = False
    time_zone: str | None = None
    base: str | None = None


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


Rule = Group | Activity | Sequence | SegmentMembers | ListMembers | Sample | Top | Everyone

_DID = ((">=", 1), (">", 0), ("!=", 0))
_DID_NOT = (("<", 1), ("<=", 0), ("=", 0))


def did(activity: Activity) -> bool | None:
    """True where it names the users with a matching row, False where those without, None where it asks for more."""
    if activity.aggregate.function is not Function.ROWS or isinstance(activity.value, bool):
        return None
    comparison = activity.operator, activity.value
    if comparison in _DID or comparison in _DID_NOT:
        return (comparison in _DID) != activity.negated
    return None
