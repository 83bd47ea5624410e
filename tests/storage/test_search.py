"""Searches and pages of many segments: what PostgreSQL reads for them, and what it does without trigrams."""

from __future__ import annotations

import logging
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from benchmarks.library import fill, fill_audit
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.segments import Segments
from tests.servers.postgres import PostgresServer
from tests.storage.conftest import definition

SEGMENTS = 3000
VIEWERS = (None, 7)  # an administrator; somebody who sees their own segments and the team's


@contextmanager
def database_on(server: PostgresServer, options: str = "") -> Iterator[Database]:
    """An empty database of its own, made with these options, dropped in the end."""
    name, admin = f"s{uuid.uuid4().hex[:12]}", Database(server.url)
    own = Database(admin.url.set(database=name).render_as_string(hide_password=False))
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} {options}"))
        try:
            yield own
        finally:
            own.close()
            connection.execute(sa.text(f"DROP DATABASE {name}"))
            admin.close()


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[Database]:
    with database_on(postgres_server) as database:
        migrate(database)
        fill(database, SEGMENTS, people=20)
        fill_audit(database, 10 * SEGMENTS, people=20)
        yield database


@contextmanager
def plans(database: Database) -> Iterator[list[str]]:
    """How PostgreSQL would read what is asked of it within the block."""
    asked: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    found: list[str] = []
    sa.event.listen(database.readers, "before_cursor_execute", note)
    try:
        yield found
    finally:
        sa.event.remove(database.readers, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            found.append("\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars()))


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("words", ["№ 1234", "фывапролдж", "фывапр казань"])
def test_a_rare_word_is_found_by_its_trigrams(filled: Database, words: str, viewer: int | None) -> None:
    with plans(filled) as found:
        Segments(filled).page(search=words, viewer=viewer)
    assert "segments_search" in found[0]


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("words", ["", "а", "пользователи"])
def test_a_page_of_many_is_read_in_its_order_without_sorting(filled: Database, words: str, viewer: int | None) -> None:
    with plans(filled) as found:
        first = Segments(filled).page(search=words, viewer=viewer)
        Segments(filled).page(search=words, viewer=viewer, cursor=first.next_cursor)
    of_pages = [plan for plan in found if "segments_by_update" in plan]
    assert len(of_pages) == 2
    assert not any("Sort" in plan for plan in of_pages)
    assert "Index Cond: (ROW(updated_at, id) < ROW(" in of_pages[1]


def test_a_rare_word_of_the_audit_log_is_found_by_its_trigrams(filled: Database) -> None:
    with plans(filled) as found:
        Audit(filled).page(Search(text="№ 1234"))
    assert "audit_search" in found[0], found[0]


def test_a_word_is_found_inside_another_and_its_wildcards_are_letters(filled: Database) -> None:
    segments = Segments(filled)
    made = segments.create(definition("Скидка 5%_весна"), "f", None)
    assert [one.id for one in segments.page(search="5%_ВЕС").items] == [made.id]
    assert segments.page(search="5__вес").items == ()


def test_a_role_that_may_not_create_the_extension_migrates_and_is_told(
    postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with database_on(postgres_server) as admin:
        role, password = f"r{uuid.uuid4().hex[:8]}", secrets.token_hex(8)
        with admin.engine.begin() as connection:
            connection.execute(sa.text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
            connection.execute(sa.text(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}"))
        poor = Database(admin.url.set(username=role, password=password).render_as_string(hide_password=False))
        with caplog.at_level(logging.WARNING, "segmentator.migrations"):
            migrate(poor)
        assert "permission denied to create extension" in caplog.text
        assert "CREATE EXTENSION pg_trgm; CREATE INDEX segments_search ON segments USING gin" in caplog.text
        made = Segments(poor).create(definition("Весенняя распродажа"), "f", None)
        assert [one.id for one in Segments(poor).page(search="распрод").items] == [made.id]
        poor.close()
        with admin.engine.begin() as connection:
            for statement in caplog.messages[0].split("As a role that may: ")[1].rstrip(";").split("; "):
                connection.execute(sa.text(statement))
            connection.execute(sa.text(f"DROP OWNED BY {role}"))
            connection.execute(sa.text(f"DROP ROLE {role}"))


def test_a_database_whose_letters_are_ascii_only_migrates_and_says_so(
    postgres_server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        database_on(postgres_server, "LC_CTYPE 'C' TEMPLATE template0") as database,
        caplog.at_level(logging.WARNING, "segmentator.migrations"),
    ):
        migrate(database)
    assert "LC_CTYPE of this database is C" in caplog.text
