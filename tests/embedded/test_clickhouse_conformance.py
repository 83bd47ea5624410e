"""The server out of the chdb-core wheel behaves like ClickHouse over HTTP: the guard on upgrades of the wheel."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from urllib3.exceptions import ProtocolError

from tests.servers.child import LOOPBACK
from tests.servers.clickhouse import ClickHouseServer

Client: TypeAlias = Any  # the library's results are unions that every line here would have to narrow

DATABASE = "conformance"
COLUMNS = ["id", "s", "d"]
FAILS_LATE = "SELECT throwIf(number = 3000000), number FROM numbers(4000000)"
SMALL_BLOCKS = {"max_block_size": 65536, "max_threads": 1}


@pytest.fixture(scope="module")
def login(clickhouse_server: ClickHouseServer) -> dict[str, Any]:
    url = urlsplit(clickhouse_server.admin_url)
    return {"host": LOOPBACK, "port": url.port, "username": url.username, "password": url.password}


@pytest.fixture(scope="module")
def connect(login: dict[str, Any]) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def client(**options: Any) -> Client:
        made.append(clickhouse_connect.get_client(**{"autogenerate_session_id": False, **login, **options}))
        return made[-1]

    yield client
    for opened in made:
        opened.close()


@pytest.fixture(scope="module")
def client(connect: Callable[..., Client]) -> Iterator[Client]:
    connect().command(f"CREATE DATABASE {DATABASE}")
    client = connect(database=DATABASE)
    yield client
    client.command(f"DROP DATABASE {DATABASE} SYNC")


@pytest.fixture
def table(client: Client) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    client.command(f"CREATE TABLE {name} (id UInt64, s String, d DateTime) ENGINE = MergeTree ORDER BY id")
    yield name
    client.command(f"DROP TABLE {name} SYNC")


@pytest.fixture(scope="module")
def post(login: dict[str, Any]) -> Iterator[Callable[..., httpx.Response]]:
    address = f"http://{LOOPBACK}:{login['port']}"
    with httpx.Client(base_url=address, trust_env=False, timeout=30) as http:

        def send(sql: str, headers: dict[str, str] | None = None, **params: str) -> httpx.Response:
            keys = {"X-ClickHouse-User": login["username"], "X-ClickHouse-Key": login["password"]}
            return http.post("/", content=sql, headers=keys if headers is None else headers, params=params)

        yield send


def count(client: Client, table: str, where: str = "1") -> int:
    return int(client.command(f"SELECT count() FROM {table} WHERE {where}"))


# Parameters, settings and types


def test_server_names_its_version_and_settings(client: Client) -> None:
    assert client.server_version.startswith("26.")
    assert str(client.server_tz) == "UTC"
    assert len(client.server_settings) > 500


def test_typed_parameters_are_bound_by_the_server(client: Client) -> None:
    sql = "SELECT {a:UInt32} + 1, {s:String}, {d:DateTime}, {l:Array(String)}, {n:Nullable(Int8)}"
    given = {"a": 41, "s": "it's", "d": "2024-01-02 03:04:05", "l": ["x", "y'z"], "n": None}
    assert client.query(sql, parameters=given).result_rows == [
        (42, "it's", dt.datetime(2024, 1, 2, 3, 4, 5), ["x", "y'z"], None)  # noqa: DTZ001
    ]


def test_identifier_parameter_names_a_database(client: Client) -> None:
    sql = "SELECT count() > 10 FROM {t:Identifier}.tables"
    assert client.query(sql, parameters={"t": "system"}).result_rows == [(1,)]


def test_parameters_longer_than_a_url_travel_in_the_form(connect: Callable[..., Client]) -> None:
    long = connect(form_encode_query_params=True)
    assert long.query("SELECT length({l:Array(UInt32)})", parameters={"l": list(range(20_000))}).first_row == (20_000,)


def test_settings_hold_for_one_query(client: Client) -> None:
    sql = "SELECT getSetting('max_threads'), getSetting('max_block_size')"
    assert client.query(sql, settings={"max_threads": 1, "max_block_size": 777}).first_row == (1, 777)
    assert client.query(sql).first_row[1] != 777


def test_native_types_arrive(client: Client) -> None:
    row = client.query(
        "SELECT toLowCardinality('a'), map('k', 1), tuple(1, 'x'), [NULL, 1]::Array(Nullable(Int32)),"
        " toDecimal64(1.5, 3), toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0'), toDate32('1950-01-01'),"
        " CAST('a', 'Enum8(''a'' = 1)'),"
        " toDateTime64('2024-01-01 00:00:00.123', 3, 'Europe/Moscow'), '{\"a\": 1}'::JSON, 1::Variant(Int32, String)"
    ).first_row
    assert row[:4] == ("a", {"k": 1}, (1, "x"), [None, 1])
    assert str(row[4]) == "1.500"
    assert row[6:8] == (dt.date(1950, 1, 1), "a")
    assert row[8].utcoffset() == dt.timedelta(hours=3)
    assert row[9:] == ({"a": 1}, 1)


def test_empty_result_has_its_columns(client: Client, table: str) -> None:
    assert client.query(f"SELECT id, s FROM {table} LIMIT 0").column_names == ("id", "s")


def test_external_data_is_a_table(client: Client) -> None:
    data = ExternalData(file_name="ext.csv", data=b"1,a\n2,b\n", fmt="CSV", structure=["i UInt8", "n String"])
    assert client.query("SELECT sum(i) FROM ext", external_data=data).first_row == (3,)


def test_database_of_the_client_is_the_current_one(client: Client, table: str) -> None:
    assert client.command("SELECT currentDatabase()") == DATABASE


# Writing


def test_insert_of_rows_reports_what_it_wrote(client: Client, table: str) -> None:
    rows = [[i, f"s{i}", dt.datetime(2024, 1, 1)] for i in range(1000)]  # noqa: DTZ001
    assert client.insert(table, rows, column_names=COLUMNS).written_rows == 1000
    assert count(client, table) == 1000


def test_insert_of_arrow(client: Client, table: str) -> None:
    seconds = pa.array([1_700_000_000], pa.uint32())
    client.insert_arrow(table, pa.table({"id": pa.array([99], pa.uint64()), "s": ["arrow"], "d": seconds}))
    assert count(client, table, "s = 'arrow'") == 1


def test_insert_of_raw_text_streamed_and_compressed(client: Client, table: str) -> None:
    lines = (f"{i},g,2024-01-01 00:00:00\n".encode() for i in range(100))
    client.raw_insert(table, COLUMNS, lines, fmt="CSV")
    client.raw_insert(table, COLUMNS, gzip.compress(b"1,z,2024-01-01 00:00:00\n"), fmt="CSV", compression="gzip")
    assert (count(client, table), count(client, table, "s = 'z'")) == (101, 1)


def test_insert_select_reports_what_it_wrote(client: Client, table: str) -> None:
    summary: Any = client.command(f"INSERT INTO {table} SELECT number, '', now() FROM numbers(100)")
    assert summary.written_rows == 100


@pytest.mark.parametrize("method", ["lz4", "zstd", "gzip", False])
def test_compression_both_ways(connect: Callable[..., Client], client: Client, table: str, method: Any) -> None:
    packed = connect(compress=method, database=DATABASE)
    assert len(packed.query("SELECT number, toString(number) FROM numbers(100000)").result_rows) == 100_000
    packed.insert(table, [[i] for i in range(20_000)], column_names=["id"])
    assert count(client, table) == 20_000


# Reading and streams


def test_arrow_comes_back_whole_and_in_batches(client: Client) -> None:
    assert client.query_arrow("SELECT number FROM numbers(1000)").num_rows == 1000
    with client.query_arrow_stream("SELECT number FROM numbers(300000)") as batches:
        assert sum(batch.num_rows for batch in batches) == 300_000


def test_row_blocks_stream(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks:
        assert sum(len(block) for block in blocks) == 300_000


def test_raw_csv_streams_whole(client: Client) -> None:
    stream: Any = client.raw_stream("SELECT number FROM numbers(1000000)", fmt="CSVWithNames")
    lines = 0
    while chunk := stream.read(1 << 16):
        lines += chunk.count(b"\n")
    assert lines == 1_000_001
    assert client.raw_query("SELECT 1 AS a, 2 AS b", fmt="CSVWithNames") == b'"a","b"\n1,2\n'


def test_error_in_mid_stream_of_rows_is_raised(client: Client) -> None:
    with (
        pytest.raises((StreamFailureError, DatabaseError), match=r"395|throwIf"),
        client.query_row_block_stream(FAILS_LATE, settings=SMALL_BLOCKS) as blocks,
    ):
        for _ in blocks:
            pass


def test_error_in_mid_stream_of_text_is_marked_with_the_tag_of_the_response(client: Client) -> None:
    stream: Any = client.raw_stream(FAILS_LATE, fmt="CSV", settings=SMALL_BLOCKS)
    tag = stream.headers["X-ClickHouse-Exception-Tag"].encode()
    received = b""

    def receive() -> None:
        nonlocal received
        for chunk in stream.stream(1 << 18):
            received += chunk

    # The last chunk is never sent, so the transfer itself is broken as well, after everything else was received.
    with pytest.raises(ProtocolError):
        receive()
    assert len(received) > 1_000_000
    assert b"__exception__\r\n" + tag in received
    assert b"Code: 395" in received[-2000:]


# Sessions, cancelling, limits


def test_temporary_table_lives_in_its_session_only(connect: Callable[..., Client]) -> None:
    session, other = connect(session_id="conformance"), connect()
    session.command("CREATE TEMPORARY TABLE kept (a Int8)")
    session.command("INSERT INTO kept VALUES (1)")
    assert session.command("SELECT count() FROM kept") == 1
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        other.command("SELECT count() FROM kept")


def test_query_is_killed_by_its_id(connect: Callable[..., Client], client: Client) -> None:
    settings = {"query_id": "kill-me", "max_block_size": 1, "function_sleep_max_microseconds_per_block": 100_000_000}
    victim = connect()
    with ThreadPoolExecutor(1) as pool:
        sleeping = pool.submit(victim.query, "SELECT sum(sleepEachRow(0.1)) FROM numbers(100)", settings=settings)
        _until(lambda: _processes(client, "kill-me") == 1)
        client.query("KILL QUERY WHERE query_id = 'kill-me' SYNC")
        with pytest.raises(DatabaseError, match="QUERY_WAS_CANCELLED"):
            sleeping.result(timeout=5)


def test_closed_connection_cancels_the_query(connect: Callable[..., Client], client: Client) -> None:
    settings = {**SMALL_BLOCKS, "query_id": "drop-me", "max_block_size": 100}
    settings["cancel_http_readonly_queries_on_client_close"] = 1
    dropped = connect()
    sql = "SELECT number, sleepEachRow(0.001) FROM numbers(1000000)"
    stream: Any = dropped.raw_stream(sql, fmt="CSV", settings=settings)
    stream.read(100)
    assert _processes(client, "drop-me") == 1
    stream.close()
    stream.release_conn()
    _until(lambda: _processes(client, "drop-me") == 0)


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1", {"max_execution_time": 1}, 159),
        ("SELECT groupArray(toString(number)) FROM numbers(100000000)", {"max_memory_usage": 100_000_000}, 241),
        ("CREATE TABLE refused (a Int8) ENGINE = Memory", {"readonly": 1}, 164),
        ("SELECT * FROM no_such_table", {}, 60),
        ("SELEC 1", {}, 62),
    ],
    ids=["time", "memory", "readonly", "unknown table", "syntax"],
)
def test_error_has_its_code(client: Client, sql: str, settings: dict[str, int], code: int) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query(sql, settings=settings)
    assert error.value.code == code


def test_many_clients_at_once(connect: Callable[..., Client]) -> None:
    def work(number: int) -> set[int]:
        own = connect()
        sql = f"SELECT {number}, count() FROM numbers(100000) WHERE number % 3 = 0"
        return {own.query(sql).first_row[0] for _ in range(5)}

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(work, range(24))) == [{number} for number in range(24)]


# Plain HTTP


def test_headers_of_a_response(post: Callable[..., httpx.Response]) -> None:
    answer = post("SELECT 1 AS x", query_id="hq1", default_format="JSONEachRow")
    assert answer.text == '{"x":1}\n'
    assert answer.headers["X-ClickHouse-Query-Id"] == "hq1"
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert '"read_rows":"1"' in answer.headers["X-ClickHouse-Summary"]


def test_format_clause_wins_over_the_default_which_is_tab_separated(post: Callable[..., httpx.Response]) -> None:
    assert post("SELECT 'a', 1").text == "a\t1\n"
    assert post("SELECT 'a'", default_format="CSV").text == '"a"\n'
    assert post("SELECT 'a' FORMAT TSV", default_format="CSV").text == "a\n"


def test_three_ways_to_log_in(post: Callable[..., httpx.Response], login: dict[str, Any]) -> None:
    user, password = login["username"], login["password"]
    basic = {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    assert post("SELECT currentUser()").text == f"{user}\n"
    assert post("SELECT currentUser()", headers=basic).text == f"{user}\n"
    assert post("SELECT currentUser()", headers={}, user=user, password=password).text == f"{user}\n"


def test_get_is_read_only(login: dict[str, Any]) -> None:
    auth = (login["username"], login["password"])
    sql = {"query": "CREATE TABLE refused (a Int8) ENGINE = Memory"}
    answer = httpx.get(f"http://{LOOPBACK}:{login['port']}/", params=sql, auth=auth, trust_env=False)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/play"])
def test_pages_of_the_server_answer(login: dict[str, Any], path: str) -> None:
    assert httpx.get(f"http://{LOOPBACK}:{login['port']}{path}", trust_env=False).status_code == 200


def test_query_log_tells_what_ran(client: Client) -> None:
    client.query("SELECT 'a query to be found'", settings={"log_comment": "conformance"})
    client.command("SYSTEM FLUSH LOGS")
    found = "SELECT count() FROM system.query_log WHERE log_comment = 'conformance' AND type = 'QueryFinish'"
    assert client.command(found) == 1


# Engines


def test_deletes_updates_and_replacing_merges(client: Client) -> None:
    client.command("CREATE TABLE replaced (id UInt64, v UInt64, w UInt8) ENGINE = ReplacingMergeTree(v) ORDER BY id")
    client.command("INSERT INTO replaced SELECT number % 10, number, 1 FROM numbers(100)")
    client.command("DELETE FROM replaced WHERE id = 3")
    client.command("ALTER TABLE replaced UPDATE w = 0 WHERE id = 4", settings={"mutations_sync": 1})
    assert client.query("SELECT count(), min(v), sum(w) FROM replaced FINAL").first_row == (9, 90, 8)
    client.command("DROP TABLE replaced SYNC")


def test_exchange_of_tables_is_one_step(client: Client) -> None:
    for name, value in (("one", 1), ("two", 2)):
        client.command(f"CREATE TABLE {name} ENGINE = MergeTree ORDER BY a AS SELECT {value} AS a")
    client.command("EXCHANGE TABLES one AND two")
    assert client.query("SELECT (SELECT a FROM one), (SELECT a FROM two)").first_row == (2, 1)
    for name in ("one", "two"):
        client.command(f"DROP TABLE {name} SYNC")


def _processes(client: Client, query_id: str) -> int:
    return int(client.command(f"SELECT count() FROM system.processes WHERE query_id = '{query_id}'"))


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)
