"""The rule that the examples of the documentation are about, checked on data like those of the demo."""

from __future__ import annotations

from typing import Any

from segmentator_dagster.api.rules import CheckedRule
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import Library

RULE: dict[str, Any] = {
    "combinator": "and",
    "rules": [
        {"field": "platform_main", "operator": "in", "value": ["ios", "ipados"]},
        {"field": "cohort", "operator": "between", "value": ["2026-03-01", "2026-03-31"]},
    ],
}
_COLUMNS = (
    ("user_id", "String", "Пользователь", "User"),
    ("date", "Date", "Дата активности", "Date of activity"),
    ("platform_main", "String", "Платформа", "Platform"),
    ("cohort", "Date", "Когорта (первый день)", "Cohort (first day)"),
)
_DATASET = Dataset(
    name="user_activity",
    database="datasets",
    table="user_activity",
    user_key="user_id",
    time_field="date",
    fields=tuple(
        Field(name, field_type(type_), type_, nullable=False, label_ru=ru, label_en=en)
        for name, type_, ru, en in _COLUMNS
    ),
    label_ru="Активность пользователей",
    label_en="User activity",
)
CHECKED = CheckedRule(
    rule=parse_rule(RULE, default_dataset=_DATASET.name),
    dataset=_DATASET,
    time_zone="Europe/Moscow",
    catalogue=Catalogue({_DATASET.name: _DATASET}),
    library=Library(),
)
