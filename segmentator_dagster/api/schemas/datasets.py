"""Datasets, fields and operators as JSON."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.schemas.texts import TextOut
from segmentator_dagster.domain.catalogue import Dataset, FieldType, entry, readable_as
from segmentator_dagster.domain.catalogue import Field as DatasetField
from segmentator_dagster.domain.field_operators import operators_of
from segmentator_dagster.domain.operators import Operator

_EXAMPLE_DATASET: dict[str, Any] = {
    "name": "user_activity",
    "label": {"ru": "Активность пользователей", "en": "User activity"},
    "user_key": "user_id",
    "time_field": "date",
}
_EXAMPLE_FIELD: dict[str, Any] = {
    "name": "cohort",
    "type": "date",
    "clickhouse_type": "Date",
    "nullable": False,
    "label": {"ru": "Когорта (первый день)", "en": "Cohort (first day)"},
    "filterable": True,
    "sensitive": False,
    "masked": False,
    "operators": [{"key": "=", "label": {"ru": "равно", "en": "equals"}, "value": "scalar"}],
    "entry_types": [],
}


class DatasetOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_DATASET]})

    name: str
    label: TextOut
    user_key: str = Field(description="the field that says whose row it is")
    time_field: str | None = Field(description="the field that says when; decides which row of a user is the latest")

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        return cls(
            name=dataset.name,
            label=_label(dataset.label_ru, dataset.label_en, dataset.name),
            user_key=dataset.user_key,
            time_field=dataset.time_field,
        )


class DatasetsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_DATASET]}]})

    items: list[DatasetOut]


class OperatorOut(BaseModel):
    key: str
    label: TextOut
    value: str = Field(description="the shape of `value`, one of those in `GET /operators`")

    @classmethod
    def of(cls, operator: Operator) -> Self:
        label = TextOut(ru=operator.label_ru, en=operator.label_en)
        return cls(key=operator.key, label=label, value=operator.shape.value)


class FieldOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_FIELD]})

    name: str
    type: str = Field(description="text, number, date, datetime, boolean, array, map, json, other")
    clickhouse_type: str
    nullable: bool
    label: TextOut
    filterable: bool = Field(description="whether rules may use it")
    sensitive: bool
    masked: bool = Field(description="whether you see its mask only: in previews and files, and rules may not use it")
    operators: list[OperatorOut] = Field(
        description="what rules may ask of it; nothing of a map or JSON itself, nor of a masked field"
    )
    entry_types: list[str] = Field(
        description="the type of the entries of a map or JSON, or the types they may be read `as`, the default first"
    )

    @classmethod
    def of(cls, field: DatasetField) -> Self:
        return cls(
            name=field.name,
            type=field.type.value,
            clickhouse_type=field.clickhouse_type,
            nullable=field.nullable,
            label=_label(field.label_ru, field.label_en, field.name),
            filterable=field.filterable,
            sensitive=field.sensitive,
            masked=field.masked,
            operators=[OperatorOut.of(operator) for operator in operators_of(field)],
            entry_types=[type_.value for type_ in _entry_types(field)],
        )


class FieldsOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"dataset": _EXAMPLE_DATASET, "items": [_EXAMPLE_FIELD]}]}
    )

    dataset: DatasetOut
    items: list[FieldOut]


def _entry_types(field: DatasetField) -> tuple[FieldType, ...]:
    if field.type not in (FieldType.MAP, FieldType.JSON):
        return ()
    return readable_as(field) or (entry(field, "", None).type,)


def _label(ru: str, en: str, name: str) -> TextOut:
    return TextOut(ru=ru or en or name, en=en or ru or name)
