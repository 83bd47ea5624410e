from __future__ import annotations

import threading
import time

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer


def query(sql: str, **parameters: object) -> CompiledQuery:
    return CompiledQuery(sql, parameters)


def test_values_go_to_the_server_as_parameters(reader: ClickHouse) -> None:
    value = "\\' OR 1=1 -- {x:String} \x00 \u2028"
    assert reader.rows(query("SELECT {p:String}, {n:Array(UInt8)}", p=value, n=[1, 2])) == [(value, [1, 2])]


def test_long_parameters_pass(reader: ClickHouse) -> None:
    assert reader.scalar(query("SELECT length({p:String})", p="ы" * 50_000)) == 100_000


@pytest.mark.parametrize("chunk", [1 << 12, 1 << 20])
def test_a_stream_gives_exactly_what_the_server_renders(writer: ClickHouse, chunk: int) -> None:
    sql = query("SELECT number, toString(number) FROM numbers({n:UInt64})", n=300_000)
    text = b"".join(writer.stream(sql, "CSV", chunk_bytes=chunk))
    assert text == b"".join(b'%d,"%d"\n' % (n, n) for n in range(300_000))


def test_a_stream_that_fails_in_the_middle_raises_the_servers_reason(writer: ClickHouse) -> None:
    sql = query("SELECT throwIf(number = 5000000, 'the reason') FROM numbers(6000000)")
    seen: list[bytes] = []
    with pytest.raises(InternalError, match="the reason"):
        seen.extend(writer.stream(sql, "CSV", {"max_block_size": 65_536, "max_threads": 1}))
    assert len(seen) > 1
    assert not any(b"DB::Exception" in part for part in seen)


def test_text_that_looks_like_an_error_is_data(writer: ClickHouse) -> None:
    sql = query("SELECT '__exception__\r\nabcdefghijklmnop Code: 241. DB::Exception: x' FROM numbers(3)")
    assert b"".join(writer.stream(sql, "TSVRaw")).count(b"DB::Exception") == 3


def test_closing_a_stream_ends_its_query(writer: ClickHouse, admin: ClickHouse) -> None:
    sql = query("SELECT number, sleepEachRow(0.001) FROM numbers(10000000)")
    settings = {"query_id": f"closed-{free_port()}", "max_block_size": 100, "max_threads": 1}
    stream = writer.stream(sql, "CSV", settings, chunk_bytes=100)
    next(stream)
    stream.close()
    running = query("SELECT count() FROM system.processes WHERE query_id = {id:String}", id=settings["query_id"])
    deadline = time.monotonic() + 10
    while admin.scalar(running):
        assert time.monotonic() < deadline, "the query goes on"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELECT count() FROM datasets.no_such_table", {}, "dataset_changed"),
        ("SELECT no_such_column", {}, "dataset_changed"),
        ("SELECT sum(cityHash64(number)) FROM numbers(100000000000)", {"max_execution_time": 1}, "query_too_heavy"),
        ("SELECT groupArray(number) FROM numbers(100000000)", {"max_memory_usage": 50_000_000}, "query_too_heavy"),
    ],
)
def test_errors_of_the_server_have_their_own_codes(
    writer: ClickHouse, sql: str, settings: dict[str, int], code: str
) -> None:
    with pytest.raises(UserError) as error:
        writer.rows(query(sql), settings)
    assert error.value.code == code


def test_a_bug_of_ours_is_not_shown(writer: ClickHouse) -> None:
    with pytest.raises(InternalError):
        writer.rows(query("SELEC 1"))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UserError) as error:
        ClickHouse(f"http://reader:x@127.0.0.1:{free_port()}").ping()
    assert error.value.code == "clickhouse_unavailable"
    assert "reader" not in str(error.value)


def test_one_client_serves_many_threads(clickhouse_server: ClickHouseServer) -> None:
    client = ClickHouse(clickhouse_server.reader_url)
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(client.scalar(query("SELECT {n:UInt8} + 1", n=n))))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert sorted(answers) == list(range(1, 17))
