"""The rule language as JSON: what an editor of rules offers, from the tables that parsing and checking read."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.schemas.texts import TextOut
from segmentator_dagster.domain import problems
from segmentator_dagster.domain.aggregates import AGGREGATES, AggregateKind, Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.operators import OPERATORS, Operator, Shape
from segmentator_dagster.domain.parsing import MAX_SEED, MAX_TOP
from segmentator_dagster.domain.periods import MOST_ANNIVERSARY, MOST_COUNT, PERIODS, UNIT_LABELS, Period
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Unit
from segmentator_dagster.domain.shapes import SHAPES


def _in_order(types: frozenset[FieldType]) -> list[str]:
    return [type_.value for type_ in FieldType if type_ in types]


class OperatorOfTypesOut(BaseModel):
    key: str
    label: TextOut
    sentence: TextOut = Field(description="a template over {field} and {value}, or {low} and {high}")
    time_sentence: TextOut = Field(description="the same over dates and moments")
    types: list[str] = Field(description="the types of field it works on; of numbers only whole ones can be on a list")
    value: str = Field(description="the shape of its `value`, one of `value_shapes`")
    negation_of: str | None = Field(description="the operator whose exact complement it is")
    ignores_case: bool = Field(description='whether it takes `"ignore_case": true`, on texts')

    @classmethod
    def of(cls, operator: Operator) -> Self:
        return cls(
            key=operator.key,
            label=TextOut(ru=operator.label_ru, en=operator.label_en),
            sentence=TextOut(ru=operator.sentence_ru, en=operator.sentence_en),
            time_sentence=TextOut(
                ru=operator.sentence("ru", FieldType.DATE), en=operator.sentence("en", FieldType.DATE)
            ),
            types=_in_order(operator.types),
            value=operator.shape.value,
            negation_of=operator.negation_of,
            ignores_case=operator.ignores_case,
        )


class AggregateOut(BaseModel):
    function: str
    label: TextOut
    types: list[str] = Field(description="the types of field it takes; none: it takes no field")
    needs_time: bool = Field(description="whether the dataset must have a time field")
    of_nothing: int | None = Field(description="its value for a user without matching rows; null: no value")

    @classmethod
    def of(cls, kind: AggregateKind) -> Self:
        return cls(
            function=kind.function.value,
            label=TextOut(ru=kind.label_ru, en=kind.label_en),
            types=_in_order(kind.of),
            needs_time=kind.needs_time,
            of_nothing=kind.of_nothing,
        )


class PeriodOut(BaseModel):
    key: str
    label: TextOut

    @classmethod
    def of(cls, period: Period) -> Self:
        return cls(key=period.key, label=TextOut(ru=period.label_ru, en=period.label_en))


class UnitOut(BaseModel):
    key: str
    label: TextOut
    most_count: int = Field(description="the largest `count` of it")
    most_anniversary_count: int | None = Field(description="the same in `anniversaryWithin`; null: not for that")

    @classmethod
    def of(cls, unit: Unit) -> Self:
        ru, en = UNIT_LABELS[unit]
        return cls(
            key=unit.value,
            label=TextOut(ru=ru, en=en),
            most_count=MOST_COUNT[unit],
            most_anniversary_count=MOST_ANNIVERSARY.get(unit),
        )


class ValueShapeOut(BaseModel):
    key: str
    description: TextOut
    example: Any

    @classmethod
    def of(cls, shape: Shape) -> Self:
        words = SHAPES[shape]
        return cls(key=shape.value, description=TextOut(ru=words.ru, en=words.en), example=json.loads(words.example))


class LimitsOut(BaseModel):
    nodes: int = Field(problems.MAX_NODES, description="nodes of a rule")
    depth: int = Field(problems.MAX_DEPTH, description="levels of a rule")
    list_items: int = Field(problems.MAX_LIST_ITEMS, description="values in all lists of a rule together")
    text: int = Field(problems.MAX_TEXT, description="characters of a text")
    pattern: int = Field(problems.MAX_PATTERN, description="characters of a regular expression")
    steps: int = Field(problems.MAX_STEPS, description="steps of a sequence")
    references: int = Field(problems.MAX_REFERENCES, description="segments that refer to one another in a row")
    expanded_nodes: int = Field(problems.MAX_EXPANDED_NODES, description="nodes with those of referenced segments")
    seed: int = Field(MAX_SEED, description="characters of a sample's seed")
    top: int = Field(MAX_TOP, description="users of a top")


_EXAMPLE: dict[str, Any] = {
    "language_version": LANGUAGE_VERSION,
    "operators": [OperatorOfTypesOut.of(OPERATORS["<"]).model_dump()],
    "aggregates": [AggregateOut.of(AGGREGATES[Function.DAYS]).model_dump()],
    "periods": [PeriodOut.of(PERIODS["today"]).model_dump()],
    "units": [UnitOut.of(Unit.DAY).model_dump()],
    "value_shapes": [ValueShapeOut.of(Shape.PAIR).model_dump()],
    "limits": LimitsOut().model_dump(),
}


class OperatorsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    language_version: int
    operators: list[OperatorOfTypesOut]
    aggregates: list[AggregateOut]
    periods: list[PeriodOut]
    units: list[UnitOut]
    value_shapes: list[ValueShapeOut]
    limits: LimitsOut

    @classmethod
    def whole(cls) -> Self:
        return cls(
            language_version=LANGUAGE_VERSION,
            operators=[OperatorOfTypesOut.of(operator) for operator in OPERATORS.values()],
            aggregates=[AggregateOut.of(kind) for kind in AGGREGATES.values()],
            periods=[PeriodOut.of(period) for period in PERIODS.values()],
            units=[UnitOut.of(unit) for unit in Unit],
            value_shapes=[ValueShapeOut.of(shape) for shape in SHAPES],
            limits=LimitsOut(),
        )
