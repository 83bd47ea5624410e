"""The embedded ClickHouse server: who may do what, and how it starts and ends."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.embedded.clickhouse_config import ServerFolders, ServerOptions
from segmentator_dagster.embedded.clickhouse_server import ServerError, cause_of, server_argv
from segmentator_dagster.settings import EmbeddedSecrets
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.child import LOOPBACK, accepts, free_port
from tests.servers.clickhouse import ClickHouseServer, clickhouse, wait_until_ready

FORBIDDEN_TO_READER = {
    "url": ("SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", 497),
    "s3": ("SELECT * FROM s3('http://127.0.0.1:1/bucket/key', 'CSV', 'a String')", 497),
    "postgresql": ("SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')", 497),
    "mysql": ("SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')", 497),
    "remote": ("SELECT * FROM remote('127.0.0.1', 'system', 'one')", 497),
    "file table": ("SELECT * FROM file('/etc/passwd', 'LineAsString')", 497),
    "file as a table name": ("SELECT * FROM '/etc/passwd'", 497),
    "file structure": ("DESCRIBE TABLE file('/etc/passwd', 'CSV')", 497),
    "file function": ("SELECT file('/etc/passwd')", 395),
    "file function in a lambda": ("SELECT arrayMap(path -> file(path), ['/etc/passwd'])", 395),
    "executable": ("SELECT * FROM executable('id', 'CSV', 'a String')", 497),
    "system.users": ("SELECT * FROM system.users", 497),
    "system.query_log": ("SELECT * FROM system.query_log", 497),
    "system.processes": ("SELECT * FROM system.processes", 497),
    "limit in the query": ("SELECT 1 SETTINGS max_memory_usage = 0", 164),
    "SET": ("SET max_execution_time = 0", 164),
    "INSERT": ("INSERT INTO segmentator.closed SELECT 1", 497),
    "CREATE TABLE": ("CREATE TABLE datasets.made (a Int8) ENGINE = Memory", 497),
    "DROP TABLE": ("DROP TABLE segmentator.closed", 497),
    "ALTER": ("ALTER TABLE segmentator.closed DELETE WHERE 1", 497),
    "temporary table": ("CREATE TEMPORARY TABLE made (a Int8)", 497),
}
FORBIDDEN_TO_WRITER = {
    "url": ("INSERT INTO segmentator.closed SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')", 497),
    "url engine": ("CREATE TABLE segmentator.made (a Int8) ENGINE = URL('http://127.0.0.1:1/', 'CSV')", 497),
    "file function": ("SELECT file('/etc/passwd')", 395),
    "insert into a dataset": ("INSERT INTO datasets.closed SELECT 1", 497),
    "drop a dataset": ("DROP TABLE datasets.closed", 497),
    "another database": ("CREATE DATABASE other", 497),
    "drop the shield of file()": ("DROP FUNCTION file", 497),
    "system.users": ("SELECT * FROM system.users", 497),
}


def query(server_url: str, sql: str) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.post(server_url, content=sql)


@pytest.fixture(scope="module")
def closed_tables(admin: ClickHouse) -> Iterator[None]:
    for database in ("datasets", "segmentator"):
        admin.execute(CompiledQuery(f"CREATE TABLE {database}.closed (a Int8) ENGINE = MergeTree ORDER BY a"))
        admin.execute(CompiledQuery(f"INSERT INTO {database}.closed SELECT 7"))
    admin.execute(CompiledQuery("SYSTEM FLUSH LOGS"))  # makes system.query_log
    yield
    for database in ("datasets", "segmentator"):
        admin.execute(CompiledQuery(f"DROP TABLE {database}.closed SYNC"))


@pytest.mark.parametrize(("sql", "code"), FORBIDDEN_TO_READER.values(), ids=FORBIDDEN_TO_READER)
@pytest.mark.usefixtures("closed_tables")
def test_reader_is_refused(clickhouse_server: ClickHouseServer, sql: str, code: int) -> None:
    assert query(clickhouse_server.reader_url, sql).headers.get("X-ClickHouse-Exception-Code") == str(code)


@pytest.mark.parametrize(("sql", "code"), FORBIDDEN_TO_WRITER.values(), ids=FORBIDDEN_TO_WRITER)
@pytest.mark.usefixtures("closed_tables")
def test_writer_is_refused(clickhouse_server: ClickHouseServer, sql: str, code: int) -> None:
    assert query(clickhouse_server.writer_url, sql).headers.get("X-ClickHouse-Exception-Code") == str(code)


@pytest.mark.usefixtures("closed_tables")
def test_reader_reads_both_databases_and_the_catalogue(reader: ClickHouse) -> None:
    for database in ("datasets", "segmentator"):
        assert reader.rows(CompiledQuery(f"SELECT a FROM {database}.closed")) == [(7,)]
        assert b"".join(reader.stream(CompiledQuery(f"SELECT a FROM {database}.closed"), "CSV")) == b"7\n"
    for table in ("columns", "tables", "parts"):
        seen = f"SELECT count() FROM system.{table} WHERE database = 'datasets' AND table = 'closed'"
        assert reader.scalar(CompiledQuery(seen)) == 1


@pytest.mark.usefixtures("closed_tables")
def test_writer_fills_a_table_of_its_own_from_a_dataset(writer: ClickHouse) -> None:
    writer.execute(CompiledQuery("CREATE TABLE segmentator.own (a Int8) ENGINE = ReplacingMergeTree ORDER BY a"))
    assert writer.execute(CompiledQuery("INSERT INTO segmentator.own SELECT a FROM datasets.closed")) == 1
    writer.execute(CompiledQuery("ALTER TABLE segmentator.own DELETE WHERE a = 7"), {"mutations_sync": 1})
    assert writer.scalar(CompiledQuery("SELECT count() FROM segmentator.own")) == 0
    writer.execute(CompiledQuery("DROP TABLE segmentator.own SYNC"))


def test_writer_kills_its_own_query_only(clickhouse_server: ClickHouseServer, writer: ClickHouse) -> None:
    assert writer.rows(CompiledQuery("SELECT user FROM system.processes WHERE user = 'admin'")) == []
    killed = query(clickhouse_server.writer_url, "KILL QUERY WHERE query_id = 'nobody has this one' SYNC")
    assert killed.status_code == 200


@pytest.mark.parametrize("sql", ["SYSTEM STOP LISTEN HTTP", "SELECT * FROM system.numbers LIMIT 1"])
def test_user_without_password_can_do_nothing(clickhouse_server: ClickHouseServer, sql: str) -> None:
    answer = query(f"http://{LOOPBACK}:{clickhouse_server.port}", sql)
    assert answer.headers.get("X-ClickHouse-Exception-Code") == "201"


def test_wrong_password_is_refused(clickhouse_server: ClickHouseServer) -> None:
    answer = query(f"http://admin:wrong@{LOOPBACK}:{clickhouse_server.port}", "SELECT 1")
    assert (answer.status_code, answer.headers.get("X-ClickHouse-Exception-Code")) == (403, "516")


def test_reader_result_over_the_limit_is_an_error_not_a_cut(reader: ClickHouse) -> None:
    with pytest.raises(UserError, match="query_too_heavy"):
        reader.rows(CompiledQuery("SELECT number FROM numbers(10000001)"))


def test_server_keeps_only_the_query_log_and_speaks_utc(admin: ClickHouse) -> None:
    admin.execute(CompiledQuery("SYSTEM FLUSH LOGS"))
    logs = "SELECT name, create_table_query LIKE '%TTL event_date + toIntervalDay(3)%' FROM system.tables"
    kept = admin.rows(CompiledQuery(f"{logs} WHERE database = 'system' AND engine LIKE '%MergeTree'"))
    assert kept == [("query_log", 1)]
    assert admin.scalar(CompiledQuery("SELECT timezone()")) == "UTC"


def test_passwords_are_in_no_configuration_and_no_command(clickhouse_server: ClickHouseServer) -> None:
    secrets = EmbeddedSecrets.read_or_create(clickhouse_server.data_dir)
    files = list(ServerFolders(clickhouse_server.data_dir).config.iterdir())
    assert {file.name for file in files} == {"config.xml", "users.xml"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    command = server_argv(clickhouse_server.data_dir, ServerOptions(clickhouse_server.port))
    shown = " ".join([*command, *(file.read_text("utf-8") for file in files)])
    assert not [name for name, value in secrets if value in shown]


def test_killed_server_keeps_every_acknowledged_row(tmp_path: Path) -> None:
    acknowledged = 0
    with clickhouse(tmp_path) as server:
        admin = ClickHouse(server.admin_url)
        admin.execute(CompiledQuery("CREATE TABLE datasets.kept (a UInt64) ENGINE = MergeTree ORDER BY a"))
        for _ in range(20):
            acknowledged += admin.execute(CompiledQuery("INSERT INTO datasets.kept SELECT number FROM numbers(1000)"))
        os.kill(server.pid, signal.SIGKILL)
        admin.close()
    with clickhouse(tmp_path, reader_seconds=1) as server:
        reader = ClickHouse(server.reader_url)
        assert reader.scalar(CompiledQuery("SELECT count() FROM datasets.kept")) == acknowledged == 20_000
        _assert_ends_a_long_query(reader)
        reader.close()


def _assert_ends_a_long_query(reader: ClickHouse) -> None:
    started = time.monotonic()
    with pytest.raises(UserError, match="query_too_heavy"):
        reader.rows(CompiledQuery("SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"))
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_server_in_order(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    process = _start(tmp_path, port)
    process.send_signal(number)
    _, printed = process.communicate(timeout=10)
    assert (process.returncode, printed) == (0, b"")


def test_client_that_stays_connected_does_not_hold_the_end_up(tmp_path: Path) -> None:
    port = free_port()
    process = _start(tmp_path, port)
    with socket.create_connection((LOOPBACK, port)) as open_connection:
        open_connection.sendall(b"GET /ping HTTP/1.1\r\nHost: h\r\n\r\n")
        assert open_connection.recv(15) == b"HTTP/1.1 200 OK"
        process.terminate()
        _, printed = process.communicate(timeout=4)
    assert (process.returncode, printed) == (0, b"")


def test_server_ends_within_seconds_of_its_parent(tmp_path: Path) -> None:
    port = free_port()
    command = server_argv(tmp_path, ServerOptions(port))
    script = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script, *command])
    wait_until_ready(_admin_url(tmp_path, port), 30, alive=lambda: parent.poll() is None)
    parent.kill()
    parent.wait()
    _until(lambda: not accepts(port), seconds=4)


def test_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        ended = _run(server_argv(tmp_path, ServerOptions(port)))
    line = f"clickhouse: port {port} on {LOOPBACK} is taken by another program; choose another port\n"
    assert (ended.returncode, ended.stderr) == (1, line)


def test_folder_in_use_is_one_clear_line(clickhouse_server: ClickHouseServer) -> None:
    ended = _run(server_argv(clickhouse_server.data_dir, ServerOptions(free_port())))
    folder = ServerFolders(clickhouse_server.data_dir.resolve()).root
    assert (ended.returncode, ended.stderr) == (1, f"clickhouse: another server already works in {folder}\n")


def test_missing_wheel_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['chdb'] = None\n"
        "from segmentator_dagster.embedded.clickhouse_server import main; sys.exit(main())"
    )
    ended = _run([sys.executable, "-c", script, "--data-dir", str(tmp_path), "--port", str(free_port())])
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert 'pip install "segmentator-dagster[embedded]"' in ended.stderr


def test_wheel_that_cannot_listen_names_the_range_that_can() -> None:
    printed = (
        "Code: 48. DB::Exception: SYSTEM START LISTEN query is not supported in clickhouse-local. (NOT_IMPLEMENTED)"
    )
    assert "chdb-core>=26.7.3,<27" in cause_of(printed, 8123)


def test_waiting_ends_when_the_process_does(tmp_path: Path) -> None:
    with pytest.raises(ServerError):
        wait_until_ready(f"http://admin:secret@{LOOPBACK}:{free_port()}", 30, alive=lambda: False)


def test_waiting_does_not_take_another_server_for_ours(clickhouse_server: ClickHouseServer) -> None:
    with pytest.raises(TimeoutError):
        wait_until_ready(f"http://admin:ours@{LOOPBACK}:{clickhouse_server.port}", 0.5)


def _admin_url(data_dir: Path, port: int) -> str:
    return f"http://admin:{EmbeddedSecrets.read_or_create(data_dir).clickhouse_admin}@{LOOPBACK}:{port}"


def _start(data_dir: Path, port: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(server_argv(data_dir, ServerOptions(port)), stderr=subprocess.PIPE)
    wait_until_ready(_admin_url(data_dir, port), 30, alive=lambda: process.poll() is None)
    return process


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def _until(done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)
