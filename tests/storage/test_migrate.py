from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from segmentator_dagster.domain.export import File
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.domain.rule import LANGUAGE_VERSION
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.migrate import alembic_config, migrate, of_dialect
from segmentator_dagster.storage.metadata.models import Base
from segmentator_dagster.storage.metadata.segments import Segments

MIGRATE = """
import sys
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.migrate import migrate
migrate(Database(sys.argv[1]))
"""


def test_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        opts = {"compare_type": True, "include_object": of_dialect(connection.dialect.name)}
        context = MigrationContext.configure(connection, opts=opts)
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


def downgrade(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_a_migrated_database_can_go_back_to_nothing(database: Database) -> None:
    downgrade(database, "base")
    assert not sa.inspect(database.engine).has_table("segments")


def test_segments_of_before_keep_everything_and_are_of_the_first_language_version(empty_database: Database) -> None:
    migrate(empty_database, "0001")
    old: dict[str, object] = dict.fromkeys(
        ("name", "name_key", "search_text", "description", "dataset", "time_zone", "fingerprint", "owner"), "x"
    )
    old |= {"version": 1, "rule": '{"kind": "everyone"}', "updated_at": "2026-01-01", "created_at": "2026-01-01"}
    version = {
        key: value for key, value in old.items() if key not in ("name_key", "search_text", "owner", "updated_at")
    }
    version |= {"segment_id": 1, "tags": "[]", "created_by": "x"}
    with empty_database.engine.begin() as connection:
        for table, row in (("segments", old), ("segment_versions", version)):
            names = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)
    migrate(empty_database)
    segments = Segments(empty_database)
    segment = segments.get(1)
    assert (segment.definition.rule_version, segment.broken) == (1, None)
    assert segments.version(1, 1).definition == segment.definition
    changed = segments.update(1, 1, replace(segment.definition, rule_version=LANGUAGE_VERSION), "f", 7)
    assert [version.definition.rule_version for version in segments.versions(1)] == [LANGUAGE_VERSION, 1]
    downgrade(empty_database, "0001")
    with empty_database.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT name, version FROM segments")).all() == [("x", changed.version)]
    migrate(empty_database)
    assert segments.get(1).definition.rule_version == 1


def test_exports_of_before_keep_their_file_and_have_plain_options(empty_database: Database) -> None:
    migrate(empty_database, "0002")
    segment: dict[str, object] = dict.fromkeys(
        ("name", "name_key", "search_text", "description", "dataset", "time_zone", "fingerprint", "owner"), "x"
    )
    segment |= {"version": 1, "rule": "{}", "updated_at": "2026-01-01", "created_at": "2026-01-01"}
    request: dict[str, object] = {"id": "r", "segment_id": 1, "version": 1, "trigger": "api", "requested_by": "me"}
    request |= {"attempt": 1, "created_at": "2026-01-01"}
    waiting: dict[str, object] = {"id": "w", "request_id": "r", "segment_id": 1, "format": "xlsx", "attempt": 0}
    waiting |= {"status": "requested", "phase": "waiting", "progress_rows": 0, "progress_bytes": 0}
    waiting |= {"created_at": "2026-01-01"}
    published = waiting | {"id": "p", "format": "csv", "status": "published", "rows": 3, "bytes": 9, "sha256": "a" * 64}
    published |= {"object_key": "exports/1/p/1/x/csv", "file_name": "Сегмент.csv", "manifest": '{"rows": 3}'}
    rows = (("segments", segment), ("export_requests", request), ("exports", waiting), ("exports", published))
    with empty_database.engine.begin() as connection:
        for table, row in rows:
            values = ", ".join(f":{name}" for name in row)
            connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})"), row)
    migrate(empty_database)
    exports = Exports(empty_database)
    kept = exports.get("p")
    assert kept.files == (File("exports/1/p/1/x/csv", "Сегмент.csv", 3, 9, "a" * 64),)
    assert (kept.options, kept.compare, kept.deleted_at) == (resolved(), None, None)
    assert kept.expires_at is not None
    assert timedelta(days=29) < kept.expires_at - now() < timedelta(days=31)
    assert exports.expired(datetime(2100, 1, 1, tzinfo=UTC)) == (kept,)
    assert exports.get("w").files == ()
    downgrade(empty_database, "0002")
    with empty_database.engine.connect() as connection:
        query = sa.text("SELECT id, object_key, file_name, sha256 FROM exports ORDER BY id")
        names = ("id", "object_key", "file_name", "sha256")
        before = [tuple(published[name] for name in names), ("w", None, None, None)]
        assert [tuple(row) for row in connection.execute(query)] == before
    migrate(empty_database)
    assert exports.get("p").files == kept.files
