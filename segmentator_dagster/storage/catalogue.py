"""Registered datasets × the server's columns -> the catalogue as it stands now."""

from __future__ import annotations

from collections import defaultdict

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.problems import shown, suggestion
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset

# The plain IN beside that of pairs narrows the server's own lists sooner: 4.4 ms, not 5.8, beside 1000 other tables.
_COLUMNS = """
SELECT database, table, name, type FROM system.columns
WHERE database IN {databases:Array(String)} AND table IN {tables:Array(String)}
  AND (database, table) IN arrayZip({databases:Array(String)}, {tables:Array(String)})
ORDER BY database, table, position
"""

DATASET_NOT_FOUND = ProblemKind(
    "dataset_not_found",
    Category.NOT_FOUND,
    en="There is no dataset `{name}`.",
    ru="Набора данных `{name}` нет.",
    hint_en="{suggestion_en}",
    hint_ru="{suggestion_ru}",
)


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


def dataset_in(catalogue: Catalogue, name: str) -> Dataset:
    """UserError dataset_not_found."""
    dataset = catalogue.dataset(name)
    if dataset is None:
        raise DATASET_NOT_FOUND.error(name=shown(name), **suggestion(name, catalogue.datasets))
    return dataset


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
        sensitive=name in dataset.sensitive,
    )
