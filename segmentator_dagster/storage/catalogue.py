"""Registered datasets × the server's columns -> the catalogue as it stands now."""

from __future__ import annotations

from collections import defaultdict

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset

_COLUMNS = """
SELECT database, table, name, type FROM system.columns
WHERE (database, table) IN arrayZip({databases:Array(String)}, {tables:Array(String)})
ORDER BY database, table, position
"""


def read_catalogue(datasets: Datasets, clickhouse: ClickHouse) -> Catalogue:
    """Every registered dataset whose table is there, with its columns of this moment."""
    registered = datasets.all()
    if not registered:
        return Catalogue()
    parameters = {"databases": [d.database for d in registered], "tables": [d.table for d in registered]}
    columns: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for database, table, name, type_ in clickhouse.rows(CompiledQuery(_COLUMNS, parameters)):
        columns[database, table].append((name, type_))
    return Catalogue(
        {
            dataset.name: _dataset(dataset, columns[dataset.database, dataset.table])
            for dataset in registered
            if (dataset.database, dataset.table) in columns
        }
    )


def _dataset(dataset: RegisteredDataset, columns: list[tuple[str, str]]) -> Dataset:
    return Dataset(
        name=dataset.name,
        database=dataset.database,
        table=dataset.table,
        user_key=dataset.user_key,
        time_field=dataset.time_field,
        fields=tuple(_field(name, type_, dataset) for name, type_ in columns),
        label_ru=dataset.label_ru,
        label_en=dataset.label_en,
    )


def _field(name: str, clickhouse_type: str, dataset: RegisteredDataset) -> Field:
    labels = dataset.field_labels.get(name, {})
    return Field(
        name=name,
        type=field_type(clickhouse_type),
        clickhouse_type=clickhouse_type,
        nullable=is_nullable(clickhouse_type),
        label_ru=labels.get("ru", ""),
        label_en=labels.get("en", ""),
    )
