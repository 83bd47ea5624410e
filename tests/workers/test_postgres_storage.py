"""Dagster's storage in a PostgreSQL schema of its own, beside other tables, with the connections of workers kept."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from segmentator_dagster.embedded.instance import POSTGRES_SCHEMA, create_schema
from segmentator_dagster.settings import Settings
from segmentator_dagster.workers import storage
from tests.workers.warm_pool import Pool, Runs


@pytest.fixture
def settings(short_path: Path, request: pytest.FixtureRequest) -> Iterator[Settings]:
    url = sa.make_url(request.getfixturevalue("postgres_server").url).set(drivername="postgresql+psycopg2")
    name = f"dagster_{uuid.uuid4().hex[:8]}"
    server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    # A bare `postgresql://`, as people write it.
    address = url.set(database=name, drivername="postgresql").render_as_string(hide_password=False)
    settings = Settings.given(data_dir=short_path / "data", database_url=address)
    create_schema(settings)
    yield settings
    with server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def test_run_succeeds_and_every_table_of_dagster_lies_in_its_schema(pool: Pool, runs: Runs, settings: Settings) -> None:
    runs.instance.add_dynamic_partitions("segments", ["s1"])
    assert runs.ends(runs.launch("trivial", tags={"dagster/partition": "s1"})) == "SUCCESS"
    engine = sa.create_engine(
        sa.make_url(settings.database_url.get_secret_value()).set(drivername="postgresql+psycopg2")
    )
    inspector = sa.inspect(engine)
    assert {"runs", "event_logs", "alembic_version"} <= set(inspector.get_table_names(POSTGRES_SCHEMA))
    assert inspector.get_table_names("public") == []
    engine.dispose()


def test_kept_connection_is_used_again_and_checked_before_use(pool: Pool, runs: Runs) -> None:
    storage.keep_connection(runs.instance)
    kept = runs.instance.run_storage._engine.pool
    assert isinstance(kept, QueuePool)
    storage.touch(runs.instance)
    assert kept.checkedin() == 1
    # The server closes the connection; the next statement does not notice.
    with kept.connect() as connection:
        pid = connection.driver_connection.info.backend_pid
    other = dg.DagsterInstance.get()
    with other.run_storage.connect() as admin:
        admin.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert runs.instance.get_runs(limit=1) == []
    other.dispose()
