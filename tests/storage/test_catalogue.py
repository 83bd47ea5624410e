from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.profile import DatasetProfiler

COLUMNS = (
    "user_id String, day Date, at DateTime64(3, 'UTC'), n Nullable(Int32), price Decimal(18, 2), "
    "city LowCardinality(Nullable(String)), kind Enum8('a' = 1), ok Bool, tags Array(String), address IPv4"
)


@pytest.fixture
def datasets(tmp_path: Path) -> Iterator[Datasets]:
    database = Database(f"sqlite:///{tmp_path / 'm.sqlite'}")
    migrate(database)
    yield Datasets(database)
    database.close()


@pytest.fixture
def table(admin: ClickHouse) -> str:
    name = f"c{uuid.uuid4().hex[:10]}"
    admin.execute(CompiledQuery(f"CREATE TABLE datasets.{name} ({COLUMNS}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(
        CompiledQuery(
            f"INSERT INTO datasets.{name} (user_id, day) VALUES "
            "('a', '2026-01-02'), ('a', '2026-01-05'), ('b', '2026-01-03')"
        )
    )
    return name


def test_a_registered_table_is_a_dataset_with_the_columns_of_this_moment(
    datasets: Datasets, reader: ClickHouse, admin: ClickHouse, table: str
) -> None:
    labels = {"city": {"ru": "Город", "en": "City"}}
    datasets.register(RegisteredDataset("visits", "datasets", table, "user_id", "day", "Визиты", "Visits", labels))
    datasets.register(RegisteredDataset("gone", "datasets", "no_such_table", "user_id"))
    catalogue = read_catalogue(datasets, reader)
    assert set(catalogue.datasets) == {"visits"}
    dataset = catalogue.datasets["visits"]
    assert {field.name: field.type for field in dataset.fields} == {
        "user_id": FieldType.TEXT,
        "day": FieldType.DATE,
        "at": FieldType.DATETIME,
        "n": FieldType.NUMBER,
        "price": FieldType.NUMBER,
        "city": FieldType.TEXT,
        "kind": FieldType.TEXT,
        "ok": FieldType.BOOLEAN,
        "tags": FieldType.ARRAY,
        "address": FieldType.OTHER,
    }
    assert [field.name for field in dataset.fields if field.nullable] == ["n", "city"]
    assert [(f.label_ru, f.label_en) for f in dataset.fields if f.label_ru] == [("Город", "City")]
    assert [field.name for field in dataset.fields if not field.filterable] == ["address"]
    admin.execute(CompiledQuery(f"ALTER TABLE datasets.{table} DROP COLUMN n"))
    assert read_catalogue(datasets, reader).datasets["visits"].field("n") is None


def test_no_datasets_need_no_server(datasets: Datasets) -> None:
    assert read_catalogue(datasets, ClickHouse("http://x:y@127.0.0.1:9")).datasets == {}


def test_a_profile_has_rows_users_size_and_span(datasets: Datasets, reader: ClickHouse, table: str) -> None:
    datasets.register(RegisteredDataset("visits", "datasets", table, "user_id", "day"))
    profile = DatasetProfiler(datasets, reader).profile("visits")
    assert (profile.rows, profile.users, profile.first, profile.last) == (3, 2, "2026-01-02", "2026-01-05")
    assert profile.bytes > 0
    with pytest.raises(UserError) as error:
        DatasetProfiler(datasets, reader).profile("none")
    assert error.value.code == "dataset_not_found"
