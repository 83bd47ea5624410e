"""Database URL -> transactions on SQLite (WAL) or PostgreSQL, every driver failure mapped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import Category, ProblemKind

DATABASE_UNAVAILABLE = ProblemKind(
    "database_unavailable",
    Category.UNAVAILABLE,
    en="The metadata database does not answer.",
    ru="База метаданных не отвечает.",
    hint_en="Try again in a few seconds; if it lasts, see `/ready`.",
    hint_ru="Повторите через несколько секунд; если не проходит, смотрите `/ready`.",
)


# sqlite3 gives the GIL away at every row, so each further thread that reads slows all of them: eight take 1.5 times the
# processor time of two.
SQLITE_READERS = 2


class Database:
    """Metadata transactions. Connects on first use; share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.drivername == "postgresql":  # SQLAlchemy 2.1 reads the bare name as psycopg 3
            parsed = parsed.set(drivername="postgresql+psycopg2")
        self.url = parsed
        self._transaction: ContextVar[Session | None] = ContextVar("transaction", default=None)
        self._read: ContextVar[Session | None] = ContextVar("read", default=None)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @cached_property
    def engine(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(self.url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        return self._sqlite_engine()

    @cached_property
    def readers(self) -> Engine:
        """Connections apart from those of writing transactions: who waits for one holds none that others wait for."""
        return self._sqlite_engine(pool_size=SQLITE_READERS, max_overflow=0) if self.is_sqlite else self.engine

    def _sqlite_engine(self, **pool: int) -> Engine:
        engine = create_engine(self.url, connect_args={"timeout": 30, "check_same_thread": False}, **pool)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads, over one consistent state; inside `writing` or `reading`, that block's own."""
        if outer := self._transaction.get() or self._read.get():
            yield outer
            return
        with _errors(), Session(self.readers, expire_on_commit=False) as session:
            before = self._read.set(session)
            try:
                yield session
            finally:
                self._read.reset(before)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back on any exception.

        A block inside another one is a part of its transaction, undone alone where it fails: a use case opens one
        around all it does. On SQLite it takes the write lock at once, so that a read-then-write cannot be interleaved.
        """
        if outer := self._transaction.get():
            with outer.begin_nested():
                yield outer
            return
        engine = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with _errors(), Session(engine, expire_on_commit=False) as session, session.begin():
            before = self._transaction.set(session)
            try:
                yield session
            finally:
                self._transaction.reset(before)

    def ping(self) -> None:
        """UserError(database_unavailable) where the database does not answer."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        for name in ("engine", "readers"):
            engine: Engine | None = self.__dict__.pop(name, None)
            if engine is not None:
                engine.dispose()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeoutError) as error:
        raise DATABASE_UNAVAILABLE.error() from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DATABASE_UNAVAILABLE.error() from error
        raise


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def now() -> datetime:
    """This moment, UTC, at the precision of `timestamp(6)`."""
    return datetime.now(UTC)
