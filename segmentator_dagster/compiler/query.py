"""SQLAlchemy statement -> SQL text + typed server-side parameters, ready for clickhouse-connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect
from sqlalchemy.sql import ClauseElement


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL with `{name:Type}` placeholders and the values the server binds to them."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def compile_statement(statement: ClauseElement) -> CompiledQuery:
    """Render for ClickHouse; every value becomes a server-side parameter, never text."""
    compiled = statement.compile(dialect=ClickHouseDialect(server_side_params=True))
    return CompiledQuery(str(compiled), dict(compiled.params))
