"""Rule x catalogue -> every problem of its meaning at once: names, operators and values against the live columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never
from zoneinfo import ZoneInfo

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.aggregates import AGGREGATES, result_field
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Problem, pointer_to
from segmentator_dagster.domain.field_operators import fits, operators_of
from segmentator_dagster.domain.fields import aggregated_field, field_of, time_field
from segmentator_dagster.domain.operators import OPERATORS, Operator, Test
from segmentator_dagster.domain.problems import shown, suggestion
from segmentator_dagster.domain.reference_checking import list_problems, segment_problems
from segmentator_dagster.domain.references import KnownSegment, Library
from segmentator_dagster.domain.rule import (
    UNREAD,
    Activity,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Span,
    Top,
    Unit,
    Value,
    Window,
)
from segmentator_dagster.domain.values import UnfitValueError, scalars, typed_values

_MAX_PROBLEMS = 100
_ON_LIST = frozenset(key for key, operator in OPERATORS.items() if operator.test is Test.ON_LIST)


def check_rule(
    rule: Rule,
    catalogue: Catalogue,
    base_dataset: str,
    time_zone: str = "UTC",
    *,
    library: Library = Library(),  # noqa: B008  frozen
    segment_id: int | None = None,
    whole: Catalogue | None = None,
) -> tuple[Problem, ...]:
    """All problems (at most 100) of a parsed rule, with pointers into the JSON it was written as; () is a good rule.

    Of a rule that could be read in part only: what is wrong with that part. `time_zone` is the IANA name of the zone in
    which moments without an offset are read. `library` holds what the rule refers to; `segment_id` is the segment the
    rule is for, which it must not lead back to. `whole` is the catalogue for the rules of segments that it refers to,
    where whoever asks sees less of the data than those who wrote them.
    """
    found: list[Problem] = []
    if catalogue.dataset(base_dataset) is None:
        found.append(_unknown_dataset(base_dataset, catalogue, ""))
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        return (problems.UNKNOWN_TIME_ZONE.at(name=shown(time_zone)),)
    checker = _Checker(catalogue, zone, library)
    referred = segment_problems(rule, whole or catalogue, library, segment_id, _problems_of)
    found_below = (*referred, *checker.audience(rule, ""))
    return (*found, *found_below)[:_MAX_PROBLEMS]


def _problems_of(segment: KnownSegment, catalogue: Catalogue, library: Library) -> tuple[Problem, ...]:
    return check_rule(segment.rule, catalogue, segment.dataset, segment.time_zone, library=library)


class _Checker:
    def __init__(self, catalogue: Catalogue, zone: ZoneInfo, library: Library) -> None:
        self._catalogue = catalogue
        self._zone = zone
        self._library = library

    def audience(self, rule: Rule, pointer: str) -> Iterator[Problem]:
        match rule:
            case Group():
                for index, child in enumerate(rule.rules):
                    yield from self.audience(child, pointer_to(pointer, "rules", index))
            case Activity():
                yield from self._activity(rule, pointer)
            case Sequence():
                yield from self._sequence(rule, pointer)
            case Top():
                yield from self._top(rule, pointer)
            case ListMembers():
                yield from list_problems(rule.list_id, self._library, pointer_to(pointer, "list_id"))
            case Everyone() | Sample() | SegmentMembers():
                return
            case _:
                assert_never(rule)

    def _activity(self, rule: Activity, pointer: str) -> Iterator[Problem]:
        dataset = self._catalogue.dataset(rule.dataset)
        if dataset is None:
            at = pointer if rule.bare else pointer_to(pointer, "dataset")
            yield _unknown_dataset(rule.dataset, self._catalogue, at)
            return
        if rule.where is not None:
            yield from self._row(rule.where, dataset, pointer if rule.bare else pointer_to(pointer, "where"))
        yield from self._window(rule.window, dataset, pointer)
        of = aggregated_field(dataset, rule.aggregate)
        if isinstance(of, Problem):
            yield of.moved_under(pointer_to(pointer, "aggregate"))
        else:
            function = rule.aggregate.function
            if rule.operator in _ON_LIST and AGGREGATES[function].of_nothing is not None:
                yield problems.LIST_NOT_FOR_NUMBERS_OF.at(pointer_to(pointer, "operator"), function=function.value)
            else:
                yield from self._comparison(rule.operator, rule.value, result_field(function, of), pointer)

    def _sequence(self, rule: Sequence, pointer: str) -> Iterator[Problem]:
        dataset = self._catalogue.dataset(rule.dataset)
        if dataset is None:
            yield _unknown_dataset(rule.dataset, self._catalogue, pointer_to(pointer, "dataset"))
            return
        for index, step in enumerate(rule.steps):
            if step is not None:
                yield from self._row(step, dataset, pointer_to(pointer, "steps", index, "where"))
        yield from self._window(rule.window, dataset, pointer)
        time = time_field(dataset)
        if time is None:
            yield problems.NO_TIME_FIELD.at(pointer, dataset=shown(dataset.name), name="sequence")
        elif rule.within is not None:
            whole_days = (Unit.DAY, Unit.WEEK)
            units = whole_days if time.type is FieldType.DATE else (Unit.HOUR, *whole_days)
            if rule.within.unit not in units:
                yield _unit_not_here(rule.within.unit, units, pointer_to(pointer, "within", "unit"))

    def _top(self, rule: Top, pointer: str) -> Iterator[Problem]:
        yield from self.audience(rule.rule, pointer_to(pointer, "rule"))
        dataset = self._catalogue.dataset(rule.dataset)
        if dataset is None:
            yield _unknown_dataset(rule.dataset, self._catalogue, pointer_to(pointer, "dataset"))
            return
        if rule.where is not None:
            yield from self._row(rule.where, dataset, pointer_to(pointer, "where"))
        yield from self._window(rule.window, dataset, pointer)
        of = aggregated_field(dataset, rule.aggregate)
        if isinstance(of, Problem):
            yield of.moved_under(pointer_to(pointer, "aggregate"))

    def _window(self, window: Window | None, dataset: Dataset, pointer: str) -> Iterator[Problem]:
        if window is None:
            return
        at, time = pointer_to(pointer, "window"), time_field(dataset)
        if time is None:
            yield problems.NO_TIME_FIELD.at(at, dataset=shown(dataset.name), name="window")
        else:
            yield from self._comparison(window.operator, window.value, time, at)

    def _row(self, rule: RowRule, dataset: Dataset, pointer: str) -> Iterator[Problem]:
        match rule:
            case RowGroup():
                for index, child in enumerate(rule.rules):
                    yield from self._row(child, dataset, pointer_to(pointer, "rules", index))
            case Condition():
                yield from self._condition(rule, dataset, pointer)
            case _:
                assert_never(rule)

    def _condition(self, rule: Condition, dataset: Dataset, pointer: str) -> Iterator[Problem]:
        field = field_of(dataset, rule)
        if isinstance(field, Problem):
            yield field.moved_under(pointer)
            return
        if rule.ignore_case and field.type is not FieldType.TEXT:
            at = pointer_to(pointer, "ignore_case")
            yield problems.CASE_NOT_HERE.at(at, operator=rule.operator, name=shown(field.name))
        yield from self._comparison(rule.operator, rule.value, field, pointer)

    def _comparison(self, key: str, value: Value, field: Field, pointer: str) -> Iterator[Problem]:
        """Whether `field operator value` makes sense; the pointer is of the node that has `operator` and `value`."""
        if key == UNREAD:
            return
        operator, at = OPERATORS[key], pointer_to(pointer, "value")
        if not fits(operator, field):
            yield _not_for_type(operator, field, pointer_to(pointer, "operator"))
        elif isinstance(value, Span):
            if value.unit is Unit.HOUR and field.type is FieldType.DATE:
                units = (Unit.DAY, Unit.WEEK, Unit.MONTH, Unit.YEAR)
                yield _unit_not_here(value.unit, units, pointer_to(at, "unit"))
        elif operator.test is Test.ON_LIST and isinstance(value, int):
            yield from list_problems(value, self._library, at)
        elif operator.test is not Test.IN_PERIOD:
            yield from self._values(operator, value, field, at)

    def _values(self, operator: Operator, value: Value, field: Field, pointer: str) -> Iterator[Problem]:
        try:
            typed = typed_values(field, operator, scalars(value), self._zone)
        except UnfitValueError as fault:
            yield fault.problem(pointer, in_list=isinstance(value, tuple))
            return
        if operator.test is Test.BETWEEN:
            low, high = typed.values
            if low > high:  # type: ignore[operator]  # of one type; ISO texts sort as their moments do
                yield problems.EMPTY_RANGE.at(pointer, low=low, high=high)


def _not_for_type(operator: Operator, field: Field, pointer: str) -> Problem:
    listed = ", ".join(f"`{one.key}`" for one in operators_of(field))
    values = {"operator": operator.key, "name": shown(field.name), "type": field.type.value, "operators": listed}
    return problems.OPERATOR_NOT_FOR_TYPE.at(pointer, **values)


def _unit_not_here(unit: Unit, units: tuple[Unit, ...], pointer: str) -> Problem:
    return problems.UNIT_NOT_HERE.at(pointer, unit=unit.value, units=", ".join(f"`{one}`" for one in units))


def _unknown_dataset(name: str, catalogue: Catalogue, pointer: str) -> Problem:
    return problems.UNKNOWN_DATASET.at(pointer, name=shown(name), **suggestion(name, catalogue.datasets))
