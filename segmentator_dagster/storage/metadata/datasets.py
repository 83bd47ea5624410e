"""Registered datasets: which ClickHouse tables are datasets, and what people call their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.models import DatasetRow


@dataclass(frozen=True, slots=True)
class RegisteredDataset:
    """A dataset without its fields: those are read from the server. `field_labels` is `{field: {"ru", "en"}}`.

    `sensitive` are its fields that access to data may hold back as a kind, without naming each.
    """

    name: str
    database: str
    table: str
    user_key: str
    time_field: str | None = None
    label_ru: str = ""
    label_en: str = ""
    field_labels: Mapping[str, Any] = field(default_factory=dict)
    sensitive: tuple[str, ...] = ()


class Datasets:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, dataset: RegisteredDataset) -> None:
        """Add a dataset or replace the one of this name."""
        with self._database.writing() as session:
            row = session.get(DatasetRow, dataset.name)
            if row is None:
                row = DatasetRow(name=dataset.name, created_at=now())
                session.add(row)
            row.clickhouse_database = dataset.database
            row.clickhouse_table = dataset.table
            row.user_key = dataset.user_key
            row.time_field = dataset.time_field
            row.label_ru = dataset.label_ru
            row.label_en = dataset.label_en
            row.field_labels = dict(dataset.field_labels)
            row.sensitive = list(dataset.sensitive)

    def all(self) -> tuple[RegisteredDataset, ...]:
        with self._database.reading() as session:
            rows = session.scalars(select(DatasetRow).order_by(DatasetRow.name))
            return tuple(
                RegisteredDataset(
                    row.name,
                    row.clickhouse_database,
                    row.clickhouse_table,
                    row.user_key,
                    row.time_field,
                    row.label_ru,
                    row.label_en,
                    row.field_labels,
                    tuple(row.sensitive),
                )
                for row in rows
            )
