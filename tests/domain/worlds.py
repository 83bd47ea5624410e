"""Hypothesis strategies for small datasets and for rules over them, over every node, operator and aggregate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from segmentator_dagster.domain.aggregates import AGGREGATES, Function
from segmentator_dagster.domain.catalogue import SCALARS, Field, FieldType, entry, readable_as
from segmentator_dagster.domain.fields import aggregate_result, is_whole
from segmentator_dagster.domain.operators import OPERATORS, RELATIVE, Operator, Shape, Test
from segmentator_dagster.domain.periods import PERIODS
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    Order,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Span,
    Top,
    Unit,
    Window,
)
from segmentator_dagster.domain.rule import Sequence as StepSequence
from tests.domain.columns import (
    BASE,
    COLUMNS,
    DATABASE,
    DATASETS,
    KEYS,
    OTHER,
    THIRD,
    TIME_FIELDS,
    UUID_A,
    ZONE,
    ZONES,
    Column,
    catalogue,
    columns_of,
    create_sql,
    entry_values,
    insert_sql,
)

__all__ = [
    "BASE",
    "COLUMNS",
    "DATABASE",
    "DATASETS",
    "KEYS",
    "LISTS",
    "MOMENTS",
    "OTHER",
    "RELATIVE_KEYS",
    "THIRD",
    "TIME_FIELDS",
    "ZONE",
    "ZONES",
    "catalogue",
    "columns_of",
    "conditions",
    "create_sql",
    "every_simple_rule",
    "insert_sql",
    "row_groups",
    "rows_of",
    "rules",
]

LISTS: dict[int, frozenset[str]] = {
    1: frozenset({"1", "3", "a b", "ба", "a", "127"}),
    2: frozenset(),
    3: frozenset({"2", "", "0", "9223372036854775808", "-1", UUID_A}),
}
SEGMENTS = (1, 2, 3)
MOMENTS = [
    datetime(2026, 1, 31, 21, 0, tzinfo=UTC),  # midnight in Moscow, the first of February begins
    datetime(2026, 2, 1, 6, 30, tzinfo=UTC),
    datetime(2026, 2, 28, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
]
RELATIVE_KEYS = {operator.key for operator in OPERATORS.values() if operator.test in RELATIVE}
_SPANS = [
    *(Span(1, Unit.HOUR), Span(6, Unit.HOUR), Span(1, Unit.DAY), Span(2, Unit.DAY), Span(7, Unit.DAY)),
    *(Span(1, Unit.WEEK), Span(1, Unit.MONTH), Span(12, Unit.MONTH), Span(1, Unit.YEAR), Span(100, Unit.YEAR)),
]
_ANNIVERSARIES = [Span(0, Unit.DAY), Span(1, Unit.DAY), Span(31, Unit.DAY), Span(366, Unit.DAY), Span(1, Unit.MONTH)]
_DAYS_OF_YEAR = ["01-01", "01-31", "02-01", "02-28", "02-29", "03-01", "12-31"]
_PATTERNS = ["a", "^a", "a$", "^$", "[аб]+", "A|б", "a.b", r"\.", "^.$", r"\d", "(?i)a"]
_COUNTS = [0, 1, 2, 3, -1, 1.5, 10]


def rows_of(dataset: str, min_size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({column.name: st.sampled_from(column.cells) for column in columns_of(dataset)})
    return st.lists(row, min_size=min_size, max_size=12)


@st.composite
def conditions(draw: st.DrawFn, dataset: str) -> Condition:
    column = draw(st.sampled_from(columns_of(dataset)))
    key, read_as = draw(_entries(column))
    field = column.field if key is None else entry(column.field, key, read_as)
    operator = draw(st.sampled_from(operators_of(field)))
    values = column.values if key is None else entry_values(column, field.type.value)
    value = draw(_values(operator, field, values))
    ignore_case = operator.ignores_case and field.type is FieldType.TEXT and draw(st.booleans())
    return Condition(column.name, operator.key, value, key, read_as, ignore_case)


def operators_of(field: Field) -> list[Operator]:
    """What a rule may ask of a field."""
    of_type = (operator for operator in OPERATORS.values() if field.type in operator.types)
    return [one for one in of_type if one.test is not Test.ON_LIST or field.type is FieldType.TEXT or is_whole(field)]


def _entries(column: Column) -> st.SearchStrategy[tuple[str | None, FieldType | None]]:
    if not column.entries:
        return st.just((None, None))
    types: Sequence[FieldType | None] = [None, *readable_as(column.field)]
    return st.tuples(st.sampled_from(column.entries), st.sampled_from(types))


@st.composite
def _values(draw: st.DrawFn, operator: Operator, field: Field, values: Sequence[Any]) -> Any:
    compared = field.element if field.type is FieldType.ARRAY else field
    fitting = [value for value in values if _sensible(value, operator.test, compared.clickhouse_type)]
    match operator.shape:
        case Shape.NOTHING:
            return None
        case Shape.SCALAR:
            return draw(st.sampled_from(fitting))
        case Shape.SPAN if operator.test is Test.ANNIVERSARY_WITHIN:
            return draw(st.sampled_from(_ANNIVERSARIES))
        case Shape.SPAN:
            hours = field.type is FieldType.DATETIME
            return draw(st.sampled_from([span for span in _SPANS if hours or span.unit is not Unit.HOUR]))
        case Shape.PERIOD:
            return draw(st.sampled_from(list(PERIODS)))
        case Shape.PATTERN:
            return draw(st.sampled_from(_PATTERNS))
        case Shape.DAYS_OF_YEAR:
            return draw(st.tuples(st.sampled_from(_DAYS_OF_YEAR), st.sampled_from(_DAYS_OF_YEAR)))
        case Shape.LIST_ID:
            return draw(st.sampled_from(list(LISTS)))
        case _:
            if compared.type is FieldType.DATETIME:  # a list is all days or all moments
                days = draw(st.booleans())
                fitting = [value for value in fitting if (len(value) == 10) == days]
            if operator.shape is Shape.PAIR:
                one, other = draw(st.tuples(st.sampled_from(fitting), st.sampled_from(fitting)))
                return next((pair for pair in ((one, other), (other, one)) if _ascends_everywhere(*pair)), (one, one))
            return tuple(draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=3)))


def _sensible(value: Any, test: Test, clickhouse_type: str) -> bool:
    if value == "" and test in (Test.CONTAINS, Test.BEGINS_WITH, Test.ENDS_WITH):
        return False
    exact = (Test.EQUALS, Test.ONE_OF, Test.HAS, Test.HAS_ANY, Test.HAS_ALL)
    if test not in exact or not isinstance(value, int | float):
        return True
    if "Decimal" in clickhouse_type:
        return abs(value) < 10**16
    return "Int" not in clickhouse_type or isinstance(value, int)


def _ascends_everywhere(low: Any, high: Any) -> bool:
    """A moment without an offset is another one in each time zone, so that a range may be empty in some."""
    return all(_in_zone(low, zone) <= _in_zone(high, zone) for zone in ZONES)


def _in_zone(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, str) and "T" in value:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return value


def row_groups(dataset: str) -> st.SearchStrategy[RowGroup]:
    leaf: st.SearchStrategy[RowRule] = conditions(dataset)
    nested = st.recursive(leaf, _row_group, max_leaves=4)
    return _row_group(nested)


def _row_group(inner: st.SearchStrategy[RowRule]) -> st.SearchStrategy[RowGroup]:
    rules = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.builds(RowGroup, st.sampled_from(Combinator), rules, st.booleans())


def _windows(dataset: str) -> st.SearchStrategy[Window | None]:
    column = next(column for column in columns_of(dataset) if column.name == TIME_FIELDS[dataset])
    some = st.sampled_from(operators_of(column.field)).flatmap(
        lambda operator: st.builds(Window, st.just(operator.key), _values(operator, column.field, column.values))
    )
    return st.none() | some


@st.composite
def aggregates(draw: st.DrawFn, dataset: str) -> Aggregate:
    """Any but `rows`; sums only of what adds up exactly in any order."""
    function = draw(st.sampled_from([one for one in Function if one is not Function.ROWS]))
    kind = AGGREGATES[function]
    if not kind.of or (kind.needs_time and draw(st.booleans())):
        return Aggregate(function)
    summed = function in (Function.SUM, Function.AVG)
    fields = []
    for column in columns_of(dataset):
        if summed and not column.summed:
            continue
        for key in column.entries or (None,):
            for read_as in (None, *(SCALARS if key and readable_as(column.field) else ())):
                field = column.field if key is None else entry(column.field, key, read_as)
                if field.type in kind.of:
                    fields.append(Aggregate(function, column.name, key, read_as))
    return draw(st.sampled_from(fields))


@st.composite
def _compared_activities(draw: st.DrawFn, dataset: str) -> Activity:
    aggregate = draw(aggregates(dataset) | st.just(Aggregate()))
    result = aggregate_result(catalogue().datasets[dataset], aggregate)
    numbers_of = AGGREGATES[aggregate.function].of_nothing is not None  # these are not looked up in lists
    operators = [one for one in operators_of(result) if not (numbers_of and one.test is Test.ON_LIST)]
    operator = draw(st.sampled_from(operators))
    value = draw(_values(operator, result, _compared_values(aggregate, result, dataset)))
    where, window = draw(st.none() | row_groups(dataset)), draw(_windows(dataset))
    return Activity(dataset, where, aggregate, operator.key, value, window, draw(st.booleans()))


def _compared_values(aggregate: Aggregate, result: Field, dataset: str) -> Sequence[Any]:
    if result.clickhouse_type == "UInt64":
        return _COUNTS
    name = aggregate.field or TIME_FIELDS[dataset]
    column = next(column for column in columns_of(dataset) if column.name == name)
    values = entry_values(column, result.type.value) if aggregate.key else column.values
    if aggregate.function is Function.AVG:  # decimals that no float is
        return [value for value in values if abs(value) < 10**15 and value not in (0.1, 1e-7)]
    if result.clickhouse_type == "Float64":
        return [value for value in values if value not in (0.1, 1e308)]
    return values


@st.composite
def _sequences(draw: st.DrawFn, dataset: str) -> StepSequence:
    steps = draw(st.lists(st.none() | row_groups(dataset), min_size=2, max_size=3))
    units = (Unit.DAY, Unit.WEEK) if dataset == BASE else (Unit.HOUR, Unit.DAY)
    within = draw(st.none() | st.sampled_from([Span(1, units[0]), Span(7, units[0]), Span(1, units[1])]))
    return StepSequence(dataset, tuple(steps), within, draw(_windows(dataset)), draw(st.booleans()))


def _counted() -> st.SearchStrategy[Rule]:
    """ "Has a row like this", "has none", on any dataset, and everything that compares an aggregate."""
    datasets = st.sampled_from([BASE, BASE, OTHER, THIRD])
    comparison = st.sampled_from([(">=", 1), ("=", 0)])
    simple = datasets.flatmap(
        lambda dataset: st.builds(
            lambda where, compared, window, negated: Activity(dataset, where, Aggregate(), *compared, window, negated),
            st.none() | row_groups(dataset),
            comparison,
            _windows(dataset),
            st.booleans(),
        )
    )
    return simple | datasets.flatmap(_compared_activities) | datasets.flatmap(_sequences)


def _chosen() -> st.SearchStrategy[Rule]:
    bounds = st.sampled_from([(0, 500_000), (500_000, 1_000_000), (0, 1_000_000), (250_000, 600_000)])
    return (
        st.builds(Everyone, st.booleans())
        | st.builds(ListMembers, st.sampled_from(list(LISTS)), st.booleans())
        | st.builds(lambda at, seed, negated: Sample(*at, seed, negated), bounds, st.sampled_from("ab"), st.booleans())
    )


@st.composite
def _tops(draw: st.DrawFn, inner: st.SearchStrategy[Rule]) -> Top:
    dataset = draw(st.sampled_from([BASE, OTHER]))
    return Top(
        draw(st.integers(1, 3)),
        draw(st.sampled_from(Order)),
        dataset,
        draw(aggregates(dataset) | st.just(Aggregate())),
        draw(st.just(Everyone()) | inner),
        draw(st.none() | row_groups(dataset)),
        draw(_windows(dataset)),
        draw(st.booleans()),
    )


def rules(*, references: bool = False) -> st.SearchStrategy[Rule]:
    """Rules over the world's datasets; with `references` also of the segments and lists in SEGMENTS and LISTS."""
    leaf: st.SearchStrategy[Rule] = _counted() | _counted() | _chosen()
    if references:
        leaf |= st.builds(SegmentMembers, st.sampled_from(SEGMENTS), st.booleans())
    groups = st.recursive(
        leaf,
        lambda inner: (
            st.builds(
                Group, st.sampled_from(Combinator), st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans()
            )
            | _tops(inner)
        ),
        max_leaves=4,
    )
    return leaf | groups


def every_simple_rule() -> list[Rule]:
    """Each operator with each of its values on each column of the base dataset; some also negated."""
    found: list[Rule] = []
    for column in columns_of(BASE):
        for key in column.entries or (None,):
            for read_as in (None, *(readable_as(column.field) if key else ())):
                field = column.field if key is None else entry(column.field, key, read_as)
                values = column.values if key is None else entry_values(column, field.type.value)
                for operator in operators_of(field):
                    for index, value in enumerate(_each_value(operator, field, values)):
                        one = Condition(column.name, operator.key, value, key, read_as)
                        group = RowGroup(Combinator.AND, (one,))
                        found.append(Activity(BASE, group))
                        if index == 0:
                            found.append(Activity(BASE, replace(group, negated=True)))
                        if operator.ignores_case and field.type is FieldType.TEXT:
                            found.append(Activity(BASE, RowGroup(Combinator.AND, (replace(one, ignore_case=True),))))
    return found


def _each_value(operator: Operator, field: Field, values: Sequence[Any]) -> Sequence[Any]:
    compared = field.element if field.type is FieldType.ARRAY else field
    fitting = [value for value in values if _sensible(value, operator.test, compared.clickhouse_type)]
    hours = field.type is FieldType.DATETIME
    spans = [span for span in _SPANS if hours or span.unit is not Unit.HOUR]
    return {
        Shape.NOTHING: [None],
        Shape.SCALAR: fitting,
        Shape.PAIR: [(value, value) for value in fitting],
        Shape.LIST: [(value,) for value in fitting],
        Shape.LIST_ID: list(LISTS),
        Shape.SPAN: _ANNIVERSARIES if operator.test is Test.ANNIVERSARY_WITHIN else spans,
        Shape.PERIOD: list(PERIODS),
        Shape.PATTERN: _PATTERNS,
        Shape.DAYS_OF_YEAR: [(low, high) for low in _DAYS_OF_YEAR for high in _DAYS_OF_YEAR[::2]],
    }[operator.shape]
