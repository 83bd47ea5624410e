"""SQLAlchemy statement -> SQL text + typed server-side parameters, ready for clickhouse-connect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect
from sqlalchemy.sql import ClauseElement

from segmentator_dagster.compiler.parameters import names_of
from segmentator_dagster.domain.problems import kind_of

# The driver sends it as a form field, and ClickHouse reads fields of at most 128 KiB (http_max_field_value_size).
MAX_SQL_BYTES = 127 << 10
MOST_SQL_BYTES = 16 << 20  # of a statement that is sent another way
SQL_TOO_LONG = kind_of(
    "sql_too_long",
    "The rule makes a query that is too long for ClickHouse.",
    "Из правила получается слишком длинный для ClickHouse запрос.",
    "Use fewer conditions; put long lists of values into one condition or into an uploaded list.",
    "Сократите число условий; длинные перечни значений соберите в одно условие или загрузите списком.",
)
_DIALECT = ClickHouseDialect(server_side_params=True)


@dataclass(frozen=True, slots=True)
class CompiledQuery:
    """SQL with `{name:Type}` placeholders and the values the server binds to them."""

    sql: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def compile_statement(statement: ClauseElement, *, most_bytes: int = MAX_SQL_BYTES) -> CompiledQuery:
    """Render for ClickHouse; every value becomes a server-side parameter, never text.

    UserError where the text is longer than `most_bytes`. What is longer than a form field must not have many values.
    """
    compiled = statement.compile(dialect=_DIALECT)
    sql = str(compiled)
    if len(sql.encode()) > most_bytes:
        raise SQL_TOO_LONG.error()
    return CompiledQuery(sql, {**compiled.params, **dict(names_of(compiled).values())})
