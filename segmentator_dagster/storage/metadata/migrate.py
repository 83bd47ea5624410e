"""Bring the metadata database to the newest migration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import text

import segmentator_dagster.migrations
from segmentator_dagster.storage.metadata.database import Database

_LOCK = 5367001  # any fixed number: PostgreSQL's advisory lock that lets one process migrate at a time


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(segmentator_dagster.migrations.__file__).parent))
    return config


def of_dialect(dialect: str) -> Callable[..., bool]:
    """For Alembic's `include_object`: what the models have for this kind of database."""

    def included(item: Any, _name: str, kind: str, _reflected: bool, _compared: object) -> bool:
        return kind != "index" or dialect == "postgresql" or "postgresql_using" not in item.dialect_kwargs

    return included


def migrate(database: Database, revision: str = "head") -> None:
    """Run the missing migrations in one transaction; safe to call from several processes at once."""
    if database.is_sqlite and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = database.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
    with engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
