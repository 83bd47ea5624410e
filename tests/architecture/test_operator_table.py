"""What the tables of the rule language name is known everywhere: sentences, schema, page, API, compiler, oracle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from segmentator_dagster.api.schemas.operators import OperatorsOut
from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.domain.aggregates import AGGREGATES, Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.operators import Test as AskedTest
from segmentator_dagster.domain.periods import MOST_COUNT, PERIODS, UNIT_LABELS
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library
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
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Span,
    Top,
    Unit,
)
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.rule_schema import rule_schema
from segmentator_dagster.domain.shapes import SHAPES
from tests.domain import worlds
from tests.domain.oracle import Oracle, Segment, Table

PAGE = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text("utf-8")
MOMENT = datetime(2026, 2, 1, 6, 30, tzinfo=UTC)
ANSWER = OperatorsOut.whole()
SCHEMA = Draft202012Validator(rule_schema())
LIBRARY = Library(
    {17: KnownSegment(17, "Refunds", Everyone(), worlds.BASE, "UTC")},
    {id_: KnownList(id_, f"list {id_}", ("61f0c404-5cb3-11e7-907b-a6006ad3dba0",)) for id_ in worlds.LISTS},
)
_ROWS = [
    {column.name: column.cells[at % len(column.cells)] for column in worlds.columns_of(worlds.BASE)} for at in (0, 1, 2)
]
ORACLE = Oracle(
    {
        worlds.BASE: Table(
            worlds.KEYS[worlds.BASE].name,
            {column.name: column.type for column in worlds.columns_of(worlds.BASE)},
            _ROWS,
            worlds.TIME_FIELDS[worlds.BASE],
        )
    },
    worlds.BASE,
    worlds.ZONE,
    MOMENT,
    {17: Segment(Everyone(), worlds.BASE, worlds.ZONE)},
    worlds.LISTS,
)


def condition_rule(condition: Condition) -> Activity:
    return Activity(worlds.BASE, RowGroup(Combinator.AND, (condition,)))


def simple_rules() -> dict[tuple[str, FieldType], Rule]:
    """One rule for each operator on each type of field."""
    found: dict[tuple[str, FieldType], Rule] = {}
    for rule in worlds.every_simple_rule():
        assert isinstance(rule, Activity)
        assert rule.where is not None
        (condition,) = rule.where.rules
        if isinstance(condition, Condition) and condition.key is None:
            field = worlds.catalogue().datasets[worlds.BASE].field(condition.field)
            assert field is not None
            found.setdefault((condition.operator, field.type), rule)
    return found


SIMPLE = simple_rules()
NODES: dict[type, Rule] = {
    type(rule): rule
    for rule in (
        Group(Combinator.AND, (Everyone(), ListMembers(1))),
        Activity(worlds.BASE),
        Sequence(worlds.BASE, (None, None)),
        SegmentMembers(17),
        ListMembers(1),
        Sample(0, 1000, "a"),
        Top(1, Order.DESC, worlds.BASE, Aggregate(), Everyone()),
        Everyone(),
    )
}
AGGREGATED = {
    function: Activity(worlds.BASE, None, Aggregate(function, "i8" if AGGREGATES[function].of else None), "=", 1)
    for function in Function
}


def known_everywhere(rule: Rule) -> None:
    """Fails where a rule cannot be said, is not in the schema, does not compile, or the oracle does not know it."""
    russian, english = (describe(rule, worlds.catalogue(), language, LIBRARY) for language in ("ru", "en"))
    assert russian
    assert english
    assert russian != english
    SCHEMA.validate(rule_json(rule))
    statement = compile_audience(
        rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key, MOMENT, library=LIBRARY, lists_database="lists"
    )
    assert compile_statement(statement).sql
    assert ORACLE.audience(rule) <= ORACLE.audience(Everyone())


def on_the_page(*words: str) -> bool:
    return all(f"| `{word}` |" in PAGE for word in words)


@pytest.mark.parametrize(
    ("key", "type_"), [(key, type_) for key, operator in OPERATORS.items() for type_ in sorted(operator.types)]
)
def test_an_operator_is_known_everywhere_on_each_of_its_types(key: str, type_: FieldType) -> None:
    rule = SIMPLE[key, type_]
    known_everywhere(rule)
    known_everywhere(Group(Combinator.OR, (rule,), negated=True))


def test_every_operator_is_listed_with_its_words() -> None:
    assert [one.key for one in ANSWER.operators] == list(OPERATORS)
    assert all(one.label.ru and one.label.en and one.sentence.ru and one.sentence.en for one in ANSWER.operators)
    assert on_the_page(*OPERATORS)
    assert rule_schema()["$defs"]["condition"]["properties"]["operator"]["enum"] == list(OPERATORS)


def test_every_test_is_asked_by_one_positive_operator() -> None:
    asked = [operator.test for operator in OPERATORS.values() if operator.negation_of is None]
    assert sorted(asked) == sorted(AskedTest)
    for operator in OPERATORS.values():
        if operator.negation_of is not None:
            twin = OPERATORS[operator.negation_of]
            assert (twin.test, twin.types, twin.shape) == (operator.test, operator.types, operator.shape)


def test_every_shape_is_known_everywhere() -> None:
    assert {operator.shape for operator in OPERATORS.values()} == set(Shape)
    assert set(SHAPES) == set(Shape)
    assert {f"{shape}_value" for shape in Shape} <= set(rule_schema()["$defs"])
    assert [one.key for one in ANSWER.value_shapes] == list(SHAPES)
    assert on_the_page(*Shape)


@pytest.mark.parametrize("function", Function)
def test_an_aggregate_is_known_everywhere(function: Function) -> None:
    rule = AGGREGATED[function]
    known_everywhere(rule)
    known_everywhere(Top(2, Order.ASC, worlds.BASE, rule.aggregate, Everyone()))
    assert AGGREGATES[function].label_ru != AGGREGATES[function].label_en
    assert on_the_page(function)


def test_every_aggregate_is_listed() -> None:
    assert list(AGGREGATES) == list(Function)
    assert [one.function for one in ANSWER.aggregates] == list(Function)
    assert rule_schema()["$defs"]["aggregate"]["properties"]["function"]["enum"] == list(Function)


@pytest.mark.parametrize("period", PERIODS)
def test_a_period_is_known_everywhere(period: str) -> None:
    for column in ("day", "maybe_at"):
        known_everywhere(condition_rule(Condition(column, "inPeriod", period)))
    assert on_the_page(period)
    assert period in {one.key for one in ANSWER.periods}
    assert PERIODS[period].label_ru in describe(
        condition_rule(Condition("day", "inPeriod", period)), worlds.catalogue(), "ru"
    )


@pytest.mark.parametrize("unit", Unit)
def test_a_unit_is_known_everywhere(unit: Unit) -> None:
    for operator in ("inLast", "olderThan", "inNext"):
        for count in (1, 2, 5):
            known_everywhere(condition_rule(Condition("maybe_at", operator, Span(count, unit))))
    assert on_the_page(unit)
    assert unit in {one.key for one in ANSWER.units}
    assert set(UNIT_LABELS) == set(MOST_COUNT) == set(Unit)


def test_every_kind_of_node_is_known_everywhere() -> None:
    assert set(NODES) == set(get_args(Rule))
    for rule in NODES.values():
        known_everywhere(rule)
        kind = rule_json(rule)["kind"]
        assert f"### `{kind}`" in PAGE
        assert kind in rule_schema()["$defs"]["audience"]["properties"]["kind"]["enum"]
