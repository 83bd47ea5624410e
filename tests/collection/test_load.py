from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.collection import tables
from segmentator_dagster.collection.load import LoadedDataset, Progress, load_file
from segmentator_dagster.collection.tables import LoadedColumn, LoadTables
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.storage.clickhouse import ClickHouse

CsvWriter = Callable[..., Path]
SHOP = "id,day,amount\n00001,2024-01-01,11.77\n00002,2024-01-02,3\n00002,2024-01-03,4.5\n"


def test_loaded_dataset_says_rows_users_and_columns(collection: Any, csv_file: CsvWriter) -> None:
    loaded = collection.load(csv_file(SHOP), dataset="data", time_field="day")

    assert loaded == LoadedDataset(
        dataset="data",
        table="data",
        rows=3,
        users=2,
        columns=(LoadedColumn("id", "String"), LoadedColumn("day", "Date"), LoadedColumn("amount", "Decimal(18, 2)")),
    )
    assert [name for name, _ in collection.tables()] == ["data"]


def test_table_is_ordered_by_user_key_and_time(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(SHOP), time_field="day")

    query = "SELECT engine, sorting_key FROM system.tables WHERE database = {name:String}"
    assert collection.admin.rows(CompiledQuery(query, {"name": collection.database})) == [("MergeTree", "id, day")]


def test_table_without_time_is_ordered_by_user_key(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(SHOP))

    query = "SELECT trim(BOTH '()' FROM sorting_key) FROM system.tables WHERE database = {name:String}"
    assert collection.admin.rows(CompiledQuery(query, {"name": collection.database})) == [("id",)]


@pytest.mark.parametrize("name", ["", "Data", "1st", "_data", "данные", "a-b", "a" * 64, "data\n", "a;b", "a`b"])
def test_dataset_name_that_is_no_name_is_refused(collection: Any, csv_file: CsvWriter, name: str) -> None:
    (problem,) = collection.refused(csv_file(SHOP), dataset=name)
    assert problem.code == "dataset_name_invalid"


def test_longest_dataset_name_is_loaded(collection: Any, csv_file: CsvWriter) -> None:
    assert collection.load(csv_file(SHOP), dataset="a" * 63).rows == 3


def test_existing_dataset_is_refused_and_stays(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(SHOP))

    (problem,) = collection.refused(csv_file("id\n9\n"))

    assert problem.code == "dataset_exists"
    assert len(collection.rows()) == 3


def test_replaced_dataset_has_only_the_new_rows(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(SHOP))

    collection.load(csv_file("id,city\n9,Omsk\n"), replace=True)

    assert collection.rows() == [("9", "Omsk")]
    assert [name for name, _ in collection.tables()] == ["data"]


def test_replace_of_a_dataset_that_is_not_there_makes_it(collection: Any, csv_file: CsvWriter) -> None:
    assert collection.load(csv_file(SHOP), replace=True).rows == 3


def test_failed_replacement_leaves_the_old_rows(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(SHOP))

    (problem,) = collection.refused(csv_file("id,city\n,Omsk\n"), replace=True)

    assert problem.code == "value_empty"
    assert len(collection.rows()) == 3


def test_dataset_made_meanwhile_by_another_load_is_not_overwritten(collection: Any, csv_file: CsvWriter) -> None:
    def make_it_too(progress: Progress) -> None:
        if progress.phase == "writing":
            collection.run(f"CREATE TABLE {collection.database}.data (id String) ENGINE = MergeTree ORDER BY id")

    with pytest.raises(UserError) as refusal:
        collection.load(csv_file(SHOP), progress=make_it_too)

    assert refusal.value.code == "dataset_exists"
    assert collection.rows() == []
    assert [name for name, _ in collection.tables()] == ["data"]


def test_interrupted_load_leaves_no_table(collection: Any, csv_file: CsvWriter) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.phase == "writing":
            assert collection.tables() != []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collection.load(csv_file(SHOP), progress=interrupt)

    assert collection.tables() == []


def test_typed_table_short_of_rows_is_an_internal_error(collection: Any) -> None:
    with LoadTables(collection.admin, collection.database) as load:
        collection.run(f"CREATE TABLE {load.staging} (row UInt64, c0 String) ENGINE = MergeTree ORDER BY row")
        with pytest.raises(InternalError, match="5 rows were read and 0 written"):
            load.fill([tables.TypedColumn("id", "String", "c0")], ["id"], 5)
    assert collection.tables() == []


def test_tables_of_killed_loads_are_dropped_by_the_next(
    collection: Any, csv_file: CsvWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = f"{collection.database}.{tables.PREFIX}0123_cells"
    collection.run(f"CREATE TABLE {killed} (row UInt64) ENGINE = MergeTree ORDER BY row")
    collection.run(f"INSERT INTO {killed} VALUES (1)")
    collection.run(f"CREATE TABLE {collection.database}.other (row UInt64) ENGINE = MergeTree ORDER BY row")
    monkeypatch.setattr(tables, "STALE_AFTER", dt.timedelta(0))

    collection.load(csv_file(SHOP))

    assert [name for name, _ in collection.tables()] == ["data", "other"]


def test_tables_of_a_load_that_runs_now_are_left_alone(collection: Any, csv_file: CsvWriter) -> None:
    running = f"{collection.database}.{tables.PREFIX}0123_cells"
    collection.run(f"CREATE TABLE {running} (row UInt64) ENGINE = MergeTree ORDER BY row")

    collection.load(csv_file(SHOP))

    assert [name for name, _ in collection.tables()] == [f"{tables.PREFIX}0123_cells", "data"]


def test_progress_tells_phases_rows_and_fraction(collection: Any, csv_file: CsvWriter) -> None:
    seen: list[Progress] = []

    collection.load(csv_file(SHOP), progress=seen.append)

    assert [step.phase for step in seen] == ["reading", "checking", "writing"]
    assert seen[0] == Progress("reading", 3, 1.0)


def test_file_that_is_not_there_is_refused(collection: Any, tmp_path: Path) -> None:
    (problem,) = collection.refused(tmp_path / "nothing.csv")
    assert problem.code == "file_not_found"


def test_file_of_unknown_kind_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file("id\n1\n", "data.xls"))
    assert problem.code == "file_format_unknown"
    assert ".parquet" in problem.hint()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"user_key": "nobody"}, "column_unknown"),
        ({"time_field": "when"}, "column_unknown"),
        ({"types": {"price": "number"}}, "column_unknown"),
        ({"types": {"amount": "money"}}, "type_unknown"),
        ({"types": {"id": "integer"}}, "type_unknown"),
        ({"time_field": "day", "types": {"day": "text"}}, "type_unknown"),
        ({"time_field": "id"}, "key_is_time"),
    ],
)
def test_option_that_does_not_fit_the_file_is_refused(
    collection: Any, csv_file: CsvWriter, options: dict[str, Any], code: str
) -> None:
    (problem,) = collection.refused(csv_file(SHOP), **options)
    assert problem.code == code


def test_unknown_column_names_those_there_are(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file(SHOP), user_key="nobody")
    assert problem.hint() == "Its columns: id, day, amount."


def test_names_with_anything_printable_come_through(collection: Any, csv_file: CsvWriter) -> None:
    names = ["Номер клиента", "it's {x:String} 50%", 'say ""hi""', "a.b", "$1;--", "row", "c0", "имя`".strip("`")]
    header = ",".join(f'"{name}"' for name in names)

    loaded = collection.load(csv_file(f"{header}\n1,2,3,4,5,6,7,8\n"), user_key="Номер клиента", replace=True)

    assert [column.name for column in loaded.columns] == [name.replace('""', '"') for name in names]
    assert collection.rows(order="1") == [("1", 2, 3, 4, 5, 6, 7, 8)]


def test_values_are_never_read_as_sql(collection: Any, csv_file: CsvWriter) -> None:
    nasty = "'); DROP TABLE data; -- {x:String} %s \\' \\N"
    collection.load(csv_file(f'id,note\n1,"{nasty}"\n'))
    assert collection.rows() == [("1", nasty)]


@pytest.mark.slow
def test_thousand_columns_are_loaded(collection: Any, csv_file: CsvWriter) -> None:
    header = ",".join(["id", *(f"column_{number}" for number in range(999))])
    loaded = collection.load(csv_file(f"{header}\nx{',1.5' * 999}\ny{',' * 999}\n"))
    assert loaded.columns[-1] == LoadedColumn("column_998", "Nullable(Decimal(18, 1))")
    assert len(loaded.columns) == 1000


def test_server_that_is_gone_is_unavailable(csv_file: CsvWriter) -> None:
    with pytest.raises(UserError) as refusal:
        load_file(ClickHouse("http://127.0.0.1:9"), csv_file(SHOP), database="default", dataset="data", user_key="id")
    assert refusal.value.code == "clickhouse_unavailable"
