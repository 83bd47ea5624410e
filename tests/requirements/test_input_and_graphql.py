"""Requirements 24 to 29: what a person writes stays a value; what is too much is refused before it costs anything.

Each in depth elsewhere: tests/compiler/test_injection.py, tests/api/test_hostile_rules.py and test_cancellation.py,
tests/embedded/test_clickhouse_server.py, tests/graphql, tests/fuzz.
"""

from __future__ import annotations

import json
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from tests.api.conftest import RULE
from tests.api.test_cancellation import Running
from tests.api.test_cancellation import running as running  # noqa: PLC0414  a fixture
from tests.requirements.conftest import ANNA, Site

COUNT = "/api/v1/rules/count"
PREVIEW = "/api/v1/rules/preview"
VALUES = ["plain", "\\", "'", "\\' OR 1=1 --", "{x:String}", "%(x)s", "\u2028", "a\n\tb", "🙂", "x" * 1000]


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


class Asked:
    """What the reader asked a server about one table since this was made, with `?` where a value stands."""

    def __init__(self, admin: ClickHouse, table: str) -> None:
        self._admin = admin
        self._table = f"datasets.{table}"
        self._since = admin.scalar(CompiledQuery("SELECT now64(6)"))

    def texts(self) -> list[str]:
        self._admin.execute(CompiledQuery("SYSTEM FLUSH LOGS"))
        sql = (
            "SELECT normalizeQuery(query) FROM system.query_log WHERE type = 'QueryStart' AND user = 'reader' "
            "AND event_time_microseconds >= {since:DateTime64(6)} AND position(query, {table:String}) > 0"
        )
        found = self._admin.rows(CompiledQuery(sql, {"since": self._since, "table": self._table}))
        return [text for (text,) in found]


@pytest.fixture
def hostile(admin: ClickHouse, site: Site) -> Iterator[RegisteredDataset]:
    """One user for each of the values."""
    name = f"hostile_{uuid.uuid4().hex[:8]}"
    admin.execute(
        CompiledQuery(f"CREATE TABLE datasets.{name} (user_id String, said String) ENGINE = MergeTree ORDER BY user_id")
    )
    rows = pa.table({"user_id": [f"u{n}" for n in range(len(VALUES))], "said": VALUES})
    admin.insert_arrow("datasets", name, rows)
    dataset = RegisteredDataset(name, "datasets", name, "user_id")
    Datasets(site.database).register(dataset)
    yield dataset
    admin.execute(CompiledQuery(f"DROP TABLE datasets.{name}"))


def test_24_each_value_finds_its_own_row_by_one_text_of_sql(
    site: Site, admin: ClickHouse, hostile: RegisteredDataset
) -> None:
    browser = site.signed_in(ANNA)
    asked = Asked(admin, hostile.table)
    for value in VALUES:
        answer = browser.post(COUNT, json={"dataset": hostile.name, "rule": where("said", "=", value)})
        assert (answer.status_code, answer.json().get("count")) == (200, 1), (value, answer.text)
    assert Counter(asked.texts()).most_common() == [(asked.texts()[0], len(VALUES))]
    for refused in ("a\0b", "x" * 1_000_000, "\ud800"):
        answer = browser.post(
            COUNT,
            content=json.dumps({"dataset": hostile.name, "rule": where("said", "=", refused)}),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422, answer.text
    items = {"dataset": hostile.name, "rule": where("said", "in", [f"{n}" for n in range(1_000_000)])}
    answer = browser.post(COUNT, json=items)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_items")


def nested(depth: int) -> Any:
    rule: Any = {"kind": "everyone"}
    for _ in range(depth):
        rule = {"kind": "group", "combinator": "and", "rules": [rule]}
    return rule


ACTIVITY = {"kind": "activity", "dataset": "visits", "where": RULE, "operator": ">=", "value": 1}
SENSELESS = {
    "field": (where("nope", "=", 1), "/rule/rules/0/field"),
    "operator": (where("platform_main", "; DROP TABLE x", 1), "/rule/rules/0/operator"),
    "aggregate": ({**ACTIVITY, "aggregate": {"function": "sleep"}}, "/rule/aggregate/function"),
    "type": (where("date", "=", True), "/rule/rules/0/value"),
    "depth": (nested(11), "/rule" + "/rules/0" * 10),
    "nodes": ({"combinator": "or", "rules": [{"field": "date", "operator": "notNull"}] * 201}, "/rule"),
}


def test_25_a_rule_that_makes_no_sense_is_refused_at_its_place_and_never_sent(
    site: Site, admin: ClickHouse, visits: RegisteredDataset
) -> None:
    browser = site.signed_in(ANNA)
    asked = Asked(admin, visits.table)
    for name, (rule, pointer) in SENSELESS.items():
        answer = browser.post(COUNT, json={"rule": rule})
        assert (answer.status_code, answer.json()["pointer"]) == (422, pointer), (name, answer.text)
    for sort in ("name; DROP TABLE segments", "(SELECT 1)"):
        answer = browser.get("/api/v1/segments", params={"sort": sort})
        assert (answer.status_code, answer.json()["pointer"]) == (422, "/sort")
    assert asked.texts() == []
    assert browser.post(COUNT, json={"rule": RULE}).status_code == 200
    assert len(asked.texts()) == 1, "what is asked is seen"


FORBIDDEN = [
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    "SELECT * FROM s3('http://127.0.0.1:1/b/k', 'CSV', 'a String')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM remote('127.0.0.1:1', 'system', 'one')",
    "SELECT * FROM file('/etc/passwd', 'CSV', 'a String')",
    "SELECT * FROM executable('x', 'CSV', 'a String')",
    "SELECT file('/etc/passwd')",
    "SELECT * FROM system.users",
    "SELECT * FROM system.query_log",
    "CREATE USER evil",
    "GRANT ALL ON *.* TO reader",
    "DROP TABLE datasets.api_visits",
    "ALTER TABLE datasets.api_visits DELETE WHERE 1",
    "INSERT INTO datasets.api_visits (user_id) VALUES ('evil')",
]
READERS_ONLY = [
    "SELECT 1 SETTINGS max_memory_usage = 0",
    "SET readonly = 0",
    "INSERT INTO segmentator.x VALUES (1)",
    "CREATE TABLE segmentator.evil (a String) ENGINE = Memory",
    "KILL QUERY WHERE 1",
]


def test_26_the_users_of_the_application_reach_nothing_but_their_tables(
    reader: ClickHouse, writer: ClickHouse, visits: RegisteredDataset
) -> None:
    table = f"datasets.{visits.table}"
    for user, statements in ((reader, [*FORBIDDEN, *READERS_ONLY]), (writer, FORBIDDEN)):
        assert user.scalar(CompiledQuery(f"SELECT count() FROM {table}")) == 4
        for statement in statements:
            with pytest.raises(Exception, match=r"Code: |clickhouse_|dataset_changed|query_"):
                user.execute(CompiledQuery(statement))
        assert user.scalar(CompiledQuery(f"SELECT count() FROM {table}")) == 4


def test_27_a_preview_past_its_limit_is_refused_in_time_and_no_query_stays(
    make_site: Callable[..., Site], running: Running
) -> None:
    limit = 1
    site = make_site(count_deadline_seconds=limit)
    Datasets(site.database).register(RegisteredDataset("slow", "datasets", running.view, "user_id"))
    browser = site.signed_in(ANNA)
    slow = {"dataset": "slow", "rule": where("x", "=", 1)}
    took = []
    while not took or (len(took) < 3 and min(took) >= limit + 2):
        started = time.monotonic()
        answer = browser.post(PREVIEW, json=slow)
        assert (answer.status_code, answer.json()["code"]) == (422, "query_too_heavy")
        took.append(time.monotonic() - started)
    assert min(took) < limit + 2
    running.milliseconds_to_end()
    # somebody who does not wait for the answer
    content = json.dumps(slow).encode()
    head = (
        f"POST {PREVIEW} HTTP/1.1\r\nHost: 127.0.0.1:{browser.base_url.port}\r\nOrigin: {site.url}\r\n"
        f"Cookie: sid={browser.cookies['sid']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((browser.base_url.host, browser.base_url.port or 0)) as connection:
        connection.sendall(head.encode() + content)
        assert running.begins()
    running.milliseconds_to_end()


def fragments(count: int) -> str:
    """Each spreads the next one twice: 2 ** count fields where they are written out."""
    steps = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count))
    return "{ ...F0 } " + steps + f"fragment F{count} on Query {{ __typename }}"


COSTLY = {
    "fragments": fragments(40),
    "aliases": "{ " + " ".join(f"a{n}: me {{ name }}" for n in range(1000)) + " }",
    "depth": "{ me " + "{ a " * 50 + "}" * 50 + " }",
    "tokens": "{ " + "me { name } " * 5000 + " }",
    "batch": [{"query": "{ me { name } }"}] * 2,
}


@pytest.mark.parametrize("name", COSTLY)
def test_28_a_query_that_asks_for_too_much_is_a_400_at_once(site: Site, name: str) -> None:
    browser = site.signed_in(ANNA)
    query = COSTLY[name]
    seconds = []
    for _ in range(5):
        started = time.process_time()  # of both sides; the processors may be busy with something else
        answer = browser.post("/graphql", json=query if isinstance(query, list) else {"query": query})
        seconds.append(time.process_time() - started)
        assert answer.status_code == 400, answer.text
    assert name != "fragments" or min(seconds) < 0.05


def test_28_a_list_says_how_much_of_it_is_wanted_and_that_is_200_at_most(site: Site) -> None:
    browser = site.signed_in(ANNA)
    for arguments in ("(first: 201)", "(first: 0)", "(first: -1)", "(first: 1000000000)"):
        answer = browser.post("/graphql", json={"query": f"{{ segments{arguments} {{ items {{ id }} }} }}"})
        (error,) = answer.json()["errors"]
        assert (error["extensions"]["code"], error["extensions"]["pointer"]) == ("out_of_range", "/first"), error
    asked = browser.post("/graphql", json={"query": "{ segments(first: 200) { items { id } } }"})
    assert asked.json() == {"data": {"segments": {"items": []}}}


def test_29_a_body_is_small_json_that_can_be_read_or_it_is_refused(site: Site) -> None:
    browser = site.signed_in(ANNA)
    for path in ("/api/v1/segments", COUNT, "/graphql"):
        large = browser.post(path, content=b" " * ((10 << 20) + 1), headers={"Content-Type": "application/json"})
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large"), path
        for kind in (
            "application/zip",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "text/csv",
            "multipart/form-data; boundary=x",
        ):
            file = browser.post(path, content=b"PK\x03\x04", headers={"Content-Type": kind})
            assert file.status_code == 415, (path, kind, file.text)
        for text in (b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000):
            broken = browser.post(path, content=text, headers={"Content-Type": "application/json"})
            assert broken.status_code in (400, 422), (path, text[:9], broken.text)
            assert "Traceback" not in broken.text
