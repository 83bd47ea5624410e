from __future__ import annotations

import subprocess
import sys

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.models import Base

MIGRATE = """
import sys
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.migrate import migrate
migrate(Database(sys.argv[1]))
"""


def test_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_segments_has_the_columns_of_the_specification_to_the_letter(database: Database) -> None:
    columns = {c["name"]: c["type"] for c in sa.inspect(database.engine).get_columns("segments")}
    compiled = {name: type_.compile(database.engine.dialect) for name, type_ in columns.items()}
    expected = {"id": "INTEGER", "name": "VARCHAR(50)"}
    if not database.is_sqlite:
        expected |= {"rule": "JSONB", "updated_at": "TIMESTAMP(6) WITHOUT TIME ZONE"}
    assert {name: compiled[name] for name in expected} == expected


def test_migrating_from_several_processes_at_once_works(empty_database: Database) -> None:
    url = empty_database.url.render_as_string(hide_password=False)
    processes = [subprocess.Popen([sys.executable, "-c", MIGRATE, url]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert sa.inspect(empty_database.engine).has_table("segments")


def test_a_migrated_database_can_go_back_to_nothing(database: Database) -> None:
    from alembic import command  # noqa: PLC0415

    from segmentator_dagster.storage.metadata.migrate import alembic_config  # noqa: PLC0415

    with database.engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert not sa.inspect(database.engine).has_table("segments")
