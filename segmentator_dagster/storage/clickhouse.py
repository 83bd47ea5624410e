"""CompiledQuery -> rows or bytes out of ClickHouse, with every failure of the server mapped."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import urllib3.exceptions
from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError

from segmentator_dagster.compiler.query import MAX_SQL_BYTES, MOST_SQL_BYTES, CompiledQuery
from segmentator_dagster.domain.errors import Category, InternalError, ProblemKind

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

CLICKHOUSE_UNAVAILABLE = ProblemKind(
    "clickhouse_unavailable",
    Category.UNAVAILABLE,
    en="ClickHouse does not answer.",
    ru="ClickHouse не отвечает.",
    hint_en="Try again in a few seconds; if it lasts, see `/ready`.",
    hint_ru="Повторите через несколько секунд; если не проходит, смотрите `/ready`.",
)
QUERY_TOO_HEAVY = ProblemKind(
    "query_too_heavy",
    Category.INVALID,
    en="The query went over its limit of time or memory in ClickHouse.",
    ru="Запрос превысил предел времени или памяти в ClickHouse.",
    hint_en="Narrow the rule, or ask an administrator to raise the limit.",
    hint_ru="Сузьте правило или попросите администратора поднять предел.",
)
QUERY_CANCELLED = ProblemKind(
    "query_cancelled",
    Category.CONFLICT,
    en="The query was cancelled in ClickHouse.",
    ru="Запрос отменён в ClickHouse.",
)
DATASET_CHANGED = ProblemKind(
    "dataset_changed",
    Category.CONFLICT,
    en="A table or column that the rule uses is no longer in ClickHouse.",
    ru="Таблицы или столбца из правила больше нет в ClickHouse.",
    hint_en="Compare the rule with `GET /datasets/{{name}}/fields`.",
    hint_ru="Сверьте правило с `GET /datasets/{{name}}/fields`.",
)

# Every error is mapped below; the driver would also log each with a trace.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)

# Error codes of ClickHouse: src/Common/ErrorCodes.cpp.
_KINDS = {
    **dict.fromkeys((158, 159, 160, 241, 307, 396), QUERY_TOO_HEAVY),
    **dict.fromkeys((10, 16, 47, 60, 81), DATASET_CHANGED),
    **dict.fromkeys((202, 209, 210, 236, 279), CLICKHOUSE_UNAVAILABLE),
    394: QUERY_CANCELLED,
}

_ERROR_BLOCK_BYTES = 16 << 10  # at most; the server cuts the text to that

# A file of a thousand columns is a statement of megabytes.
_LONG = {"max_query_size": MOST_SQL_BYTES, "max_ast_elements": 10_000_000, "max_expanded_ast_elements": 10_000_000}


def connection_options(url: str) -> dict[str, Any]:
    """What the driver needs to know of `http(s)://user:password@host:port`, whichever of its clients it makes."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return {
        "interface": parts.scheme,
        "host": parts.hostname,
        "port": parts.port or (8443 if parts.scheme == "https" else 8123),
        "username": unquote(parts.username or "default"),
        "password": unquote(parts.password or ""),
        "compress": False if local else "lz4",
        "query_limit": 0,
        "connect_timeout": 5,
        "autogenerate_session_id": False,  # sessions would allow one query at a time
        "form_encode_query_params": True,  # parameters may be longer than a URL
    }


def mapped_error(error: Exception) -> Exception:
    """The error of ours that stands for one of the driver or of the connection."""
    if isinstance(error, DatabaseError) and error.code is not None:
        if kind := _KINDS.get(error.code):
            return kind.error()
        return InternalError(f"ClickHouse error {error.code}: {error}")
    if isinstance(error, ClickHouseError) and "Code: " in str(error):
        return InternalError(f"ClickHouse: {error}")
    return CLICKHOUSE_UNAVAILABLE.error()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
        raise mapped_error(error) from error


class ClickHouse:
    """One user of one server. Connects on first use; safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, timeout_seconds: int = 3600) -> None:
        self._options = connection_options(url)
        self._timeout = timeout_seconds

    @cached_property
    def _client(self) -> Client:
        return self._connected()

    @cached_property
    def _long_client(self) -> Client:
        """For statements that are longer than a form field may be: they are the body, their parameters in the URL."""
        return self._connected(form_encode_query_params=False)

    def _connected(self, **options: Any) -> Client:
        return clickhouse_connect.get_client(
            **{**self._options, **options}, send_receive_timeout=self._timeout, dedicated_pool=True
        )

    def _sent(self, query: CompiledQuery, settings: Mapping[str, Any] | None) -> tuple[Client, dict[str, Any]]:
        """Who sends a statement, and with which settings."""
        if len(query.sql) <= MAX_SQL_BYTES // 4 or len(query.sql.encode()) <= MAX_SQL_BYTES:
            return self._client, dict(settings or {})
        return self._long_client, {**_LONG, **(settings or {})}

    def ping(self) -> None:
        """Ask the server for 1; UserError(clickhouse_unavailable) where it does not answer."""
        self.rows(CompiledQuery("SELECT 1"))

    def rows(self, query: CompiledQuery, settings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a small result."""
        with _errors():
            client, own = self._sent(query, settings)
            result = client.query(query.sql, parameters=dict(query.parameters), settings=own)
            return [tuple(row) for row in result.result_rows]

    def scalar(self, query: CompiledQuery, settings: Mapping[str, Any] | None = None) -> Any:
        """The first column of the first row."""
        return self.rows(query, settings)[0][0]

    def execute(self, query: CompiledQuery, settings: Mapping[str, Any] | None = None) -> int:
        """Run a statement that returns no rows (DDL, INSERT ... SELECT); gives the rows it wrote."""
        with _errors():
            client, own = self._sent(query, settings)
            summary = client.command(query.sql, parameters=dict(query.parameters), settings=own)
        return int(getattr(summary, "written_rows", 0) or 0)

    def insert_arrow(
        self, database: str, table: str, batch: pa.Table, settings: Mapping[str, Any] | None = None
    ) -> None:
        """Append an Arrow table; column names must be those of the ClickHouse table."""
        with _errors():
            self._client.insert_arrow(table, batch, database=database, settings=dict(settings or {}))

    def stream(
        self,
        query: CompiledQuery,
        output_format: str,
        settings: Mapping[str, Any] | None = None,
        chunk_bytes: int = 1 << 18,
    ) -> Iterator[bytes]:
        """The result rendered by the server in `output_format`, as chunks of at most `chunk_bytes`.

        A server that fails in mid-stream has already answered 200 and appends the error to the data; here that
        raises, after some chunks were given. Closing the iterator early cancels the query.
        """
        with _errors():
            client, own = self._sent(query, {"cancel_http_readonly_queries_on_client_close": 1, **(settings or {})})
            response: Any = client.raw_stream(
                query.sql, parameters=dict(query.parameters), settings=own, fmt=output_format
            )
            try:
                yield from _checked(response, chunk_bytes)
            finally:
                response.close()
                response.release_conn()

    def close(self) -> None:
        for name in ("_client", "_long_client"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


def _checked(response: Any, chunk_bytes: int) -> Iterator[bytes]:
    """Pass chunks on, the last ones only when it is known that they are no error block.

    ClickHouse 25.11+ marks the block with a tag of this response, ends with it and breaks the body off. Looking through
    all that goes by takes as long as receiving it.
    """
    tag = response.headers.get("X-ClickHouse-Exception-Tag")
    marker = b"__exception__\r\n" + tag.encode() if tag else b"DB::Exception"
    held: deque[bytes] = deque()
    size = 0
    broken_off = None
    try:
        for chunk in response.stream(chunk_bytes):  # not read(), which would lose the block
            held.append(chunk)
            size += len(chunk)
            while size - len(held[0]) >= _ERROR_BLOCK_BYTES:
                size -= len(held[0])
                yield held.popleft()
    except urllib3.exceptions.HTTPError as error:
        broken_off = error
    end = b"".join(held)
    if (begin := end.find(marker)) >= 0:
        text = end[begin:].decode("utf-8", "replace")
        raise DatabaseError(text, code=_code_in(text))
    if broken_off:
        raise broken_off
    if end:
        yield end


def _code_in(text: str) -> int | None:
    _, _, rest = text.partition("Code: ")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return int(digits) if digits else None
