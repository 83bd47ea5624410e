"""The command line beside a running ClickHouse."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from segmentator_dagster.cli import main
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.access import Scope
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import admin_of
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.sessions import Tokens
from tests.api.people import person
from tests.servers.clickhouse import ClickHouseServer


@pytest.fixture
def database(
    admin: ClickHouse, monkeypatch: pytest.MonkeyPatch, clickhouse_server: ClickHouseServer, tmp_path: Path
) -> str:
    """A ClickHouse database of the test's own, named by the settings of the command."""
    name = f"cli_{uuid.uuid4().hex[:8]}"
    for variable, value in {
        "DATA_DIR": str(tmp_path),
        "CLICKHOUSE_URL": clickhouse_server.admin_url,
        "CLICKHOUSE_DATA_DATABASE": name,
        "DEMO_USERS": "50",
    }.items():
        monkeypatch.setenv(f"SEGMENTATOR_{variable}", value)
    assert run("migrate").exit_code == 0
    return name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def registered(tmp_path: Path) -> list[str]:
    return [dataset.name for dataset in Datasets(Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")).all()]


def rows(admin: ClickHouse, table: str) -> int:
    count: int = admin.scalar(CompiledQuery(f"SELECT count() FROM {table}"))
    return count


def test_demo_data_is_made_once_and_again_only_when_asked(database: str, admin: ClickHouse, tmp_path: Path) -> None:
    assert "50 users" in run("demo", "--if-missing").output
    assert registered(tmp_path) == ["user_activity"]
    assert run("demo", "--if-missing").output == ""
    assert "70 users" in run("demo", "--users", "70").output
    assert admin.scalar(CompiledQuery(f"SELECT uniqExact(user_id) FROM {database}.user_activity")) == 70


def test_a_table_of_that_name_is_registered_and_never_replaced_by_demo_data(
    database: str, admin: ClickHouse, tmp_path: Path
) -> None:
    columns = "user_id String, date Date, platform_main String, cohort Date"
    table = f"{database}.user_activity"
    admin.execute(CompiledQuery(f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO {table} (user_id) VALUES ('mine')"))
    assert run("demo", "--if-missing").exit_code == 0
    assert rows(admin, table) == 1
    assert registered(tmp_path) == ["user_activity"]


def test_a_loaded_file_is_a_dataset_and_a_bad_one_leaves_nothing(
    database: str, admin: ClickHouse, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("id,n\n007,1\n008,2\n")
    bad.write_text("id,n\n007,1\n008\n")
    loaded = run("load", str(good), "--dataset", "good", "--user-key", "id")
    assert loaded.exit_code == 0
    assert "good: 2 rows, 2 users" in loaded.output
    refused = run("load", str(bad), "--dataset", "bad", "--user-key", "id")
    assert refused.exit_code == 1
    assert "Line 3" in refused.output
    typed = run("load", str(good), "--dataset", "text", "--user-key", "id", "--type", "n=text")
    assert "n: String" in typed.output
    assert registered(tmp_path) == ["good", "text"]
    tables = admin.rows(CompiledQuery("SELECT name FROM system.tables WHERE database = {d:String}", {"d": database}))
    assert sorted(name for (name,) in tables) == ["good", "text"]


def test_an_option_that_is_not_column_equals_type_is_refused(database: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id\n1\n")
    refused = run("load", str(tmp_path / "x.csv"), "--dataset", "x", "--user-key", "id", "--type", "n")
    assert refused.exit_code == 2
    assert "COLUMN=TYPE" in refused.output


def test_columns_marked_as_sensitive_are_fields_that_access_can_hold_back(database: str, tmp_path: Path) -> None:
    file = tmp_path / "crm.csv"
    file.write_text("user_id,email,city\nu1,a@b.ru,Omsk\n")
    arguments = ("load", str(file), "--dataset", "crm", "--user-key", "user_id", "--sensitive")
    refused = run(*arguments, "emial")
    assert (refused.exit_code, registered(tmp_path)) == (1, [])
    assert "column_unknown" in refused.output
    assert run(*arguments, "email").exit_code == 0
    settings = Settings.load()
    stored = Datasets(Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}"))
    (crm,) = read_catalogue(stored, admin_of(settings)).datasets.values()
    assert [(field.name, field.sensitive) for field in crm.fields] == [
        ("user_id", False),
        ("email", True),
        ("city", False),
    ]


def test_a_token_is_printed_once_and_a_name_that_is_too_long_makes_none(database: str, tmp_path: Path) -> None:
    stored = Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    person(stored, "anna")
    arguments = ("token", "create", "--person", "anna", "--scope", "read", "--name")
    refused = run(*arguments, "x" * 51)
    assert (refused.exit_code, "too_long" in refused.output) == (1, True)
    assert run("token", "create", "--person", "nobody", "--scope", "read", "--name", "x").exit_code == 1
    made = run(*arguments, "nightly")
    held = Tokens(stored).holder(made.output.strip())
    assert held is not None
    assert (held.person.login, held.scopes) == ("anna", {Scope.READ})
    assert [one.name for one in Tokens(stored).of_person(held.person.id)] == ["nightly"]
