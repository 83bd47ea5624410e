from __future__ import annotations

import gzip
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack
from tests.api.list_requests import CSV, TEXT, XLSX, downloaded, made, put, send, workbook
from tests.api.test_errors import assert_shape
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer

KEYS = [
    *("id", "name", "description", "dataset", "field", "items", "matched", "unmatched", "version", "owner"),
    *("visibility", "created_at", "updated_at", "report", "used_by", "links"),
]


def test_an_uploaded_csv_is_a_list_that_says_what_became_of_every_row(lists: Stack) -> None:
    content = "Клиент;user_id\r\nАнна; u1 \r\nБорис;u2\r\nнет;\r\nАнна;u1\r\nчужой;x9\r\n".encode("cp1251")
    answer = send(lists, content, CSV, column="user_id", description="из CRM")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert list(found) == KEYS
    assert answer.headers["location"] == f"/api/v1/lists/{found['id']}"
    assert (found["name"], found["description"], found["dataset"], found["field"]) == (
        "Список",
        "из CRM",
        "visits",
        None,
    )
    assert (found["items"], found["matched"], found["unmatched"], found["version"]) == (3, 2, 1, 1)
    assert (found["owner"], found["visibility"]) == ({"id": 1, "name": "Admin"}, "private")
    assert found["report"] == {
        "mode": "replace",
        "format": "csv",
        "column": "user_id",
        "header_line": 1,
        "encoding": "cp1251",
        "delimiter": ";",
        "rows": 5,
        "empty": 1,
        "empty_lines": [4],
        "duplicates": 1,
        "already": 0,
        "added": 3,
    }
    assert lists.client.get(answer.headers["location"]).json() == found
    assert downloaded(lists, found["id"]) == ["u1", "u2", "x9"]
    assert downloaded(lists, found["id"], "unmatched") == ["x9"]


def test_a_workbook_and_a_text_are_lists_too(lists: Stack) -> None:
    by_number = send(lists, workbook(("id", "money"), ("a", 9007199254740993), ("b", 1.2e15)), XLSX, column="money")
    assert by_number.status_code == 201, by_number.text
    assert by_number.json()["report"]["format"] == "xlsx"
    assert "1200000000000000" in downloaded(lists, by_number.json()["id"])
    text = send(lists, gzip.compress(b"id\nu1\nu3\n"), TEXT, name="text", header="true")
    assert text.status_code == 201, text.text
    assert downloaded(lists, text.json()["id"]) == ["u1", "u3"]
    assert text.json()["report"]["header_line"] == 1


def test_without_a_header_the_first_row_counts_and_columns_have_numbers(lists: Stack) -> None:
    answer = send(lists, b"a,u1\nb,u2\n", CSV, header="false", column="2")
    assert answer.status_code == 201, answer.text
    assert downloaded(lists, answer.json()["id"]) == ["u1", "u2"]
    assert (answer.json()["report"]["header_line"], answer.json()["report"]["column"]) == (None, "2")


def test_a_list_is_compared_with_the_named_field(lists: Stack) -> None:
    found = made(lists, "ios", "web", "blackberry", field="platform_main")
    assert (found["field"], found["matched"], found["unmatched"]) == ("platform_main", 2, 1)
    assert downloaded(lists, found["id"], "unmatched") == ["blackberry"]
    assert made(lists, "9007199254740993", "2", "9007199254740992", name="money", field="money")["matched"] == 2


def test_replacing_and_appending_are_different_things_and_must_be_said(lists: Stack) -> None:
    list_id = made(lists, "u1", "u2")["id"]
    appended = put(lists, list_id, "append", "u2\nu3\nu3\n").json()
    assert (appended["items"], appended["version"], appended["matched"]) == (3, 2, 3)
    report = {key: appended["report"][key] for key in ("mode", "rows", "duplicates", "already", "added")}
    assert report == {"mode": "append", "rows": 3, "duplicates": 1, "already": 1, "added": 1}
    assert downloaded(lists, list_id) == ["u1", "u2", "u3"]
    replaced = put(lists, list_id, "replace", "id,x\nu9,\n", CSV, column="id").json()
    assert (replaced["items"], replaced["version"], replaced["report"]["mode"]) == (1, 3, "replace")
    assert downloaded(lists, list_id) == ["u9"]
    assert lists.client.get(f"/api/v1/lists/{list_id}").json() == replaced
    unsaid = lists.client.put(f"/api/v1/lists/{list_id}/items", content=b"x", headers={"Content-Type": TEXT})
    assert (unsaid.status_code, unsaid.json()["code"], unsaid.json()["pointer"]) == (422, "missing_key", "/mode")


def test_several_columns_are_refused_with_their_names_until_one_is_chosen(lists: Stack) -> None:
    answer = send(lists, b"user_id,phone\nu1,7\n", CSV)
    assert answer.status_code == 422
    assert_shape(answer)
    assert (answer.json()["code"], answer.json()["pointer"]) == ("column_wanted", "/column")
    assert answer.json()["columns"] == ["user_id", "phone"]
    wrong = send(lists, b"user_id,phone\nu1,7\n", CSV, column="id")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "column_unknown")
    assert lists.client.get("/api/v1/lists").json()["items"] == []


def test_lists_are_found_by_words_and_page_by_page(lists: Stack) -> None:
    ids = [made(lists, "u1", name=f"Группа {n}")["id"] for n in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2, "sort": "name"} | ({"cursor": cursor} if cursor else {})
        page = lists.client.get("/api/v1/lists", params=params).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids
    found = lists.client.get("/api/v1/lists", params={"search": "ГРУППА 3"}).json()["items"]
    assert [one["id"] for one in found] == [ids[3]]
    assert lists.client.get("/api/v1/lists", params={"dataset": "other"}).json()["items"] == []


def test_a_list_is_renamed_deleted_and_restored(lists: Stack) -> None:
    first, other = made(lists, "u1", name="a"), made(lists, "u2", name="b")
    path = f"/api/v1/lists/{first['id']}"
    renamed = lists.client.patch(path, json={"name": " c ", "description": "о\nней"})
    assert renamed.status_code == 200, renamed.text
    assert (renamed.json()["name"], renamed.json()["description"], renamed.json()["version"]) == ("c", "о\nней", 1)
    taken = lists.client.patch(path, json={"name": "B"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    assert lists.client.patch(path, json={"name": "\t", "description": "x" * 2001}).status_code == 422
    assert lists.client.delete(path).status_code == 204
    for answer in (
        lists.client.get(path),
        lists.client.get(f"{path}/items"),
        lists.client.get(f"{path}/unmatched"),
        put(lists, first["id"], "append", "x"),
        lists.client.delete(path),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "list_deleted")
    deleted = lists.client.get("/api/v1/lists", params={"deleted": True}).json()["items"]
    assert [one["id"] for one in deleted] == [first["id"]]
    restored = lists.client.post(f"{path}/restore")
    assert (restored.status_code, restored.json()["name"]) == (200, "c")
    assert downloaded(lists, first["id"]) == ["u1"]
    assert other["id"] in [one["id"] for one in lists.client.get("/api/v1/lists").json()["items"]]


def test_a_list_that_a_segment_uses_is_not_deleted(lists: Stack) -> None:
    list_id = made(lists, "u1", "u3")["id"]
    rule = {"kind": "list", "list_id": list_id, "not": True}
    segment = lists.segment("Не в группе", rule=rule)
    used_by = [{"id": segment["id"], "name": "Не в группе"}]
    assert lists.client.get(f"/api/v1/lists/{list_id}").json()["used_by"] == used_by
    answer = lists.client.delete(f"/api/v1/lists/{list_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "list_in_use")
    assert answer.json()["used_by"] == used_by
    assert "Не в группе" in answer.json()["message"]
    assert_shape(answer)
    changed = lists.client.patch(f"/api/v1/segments/{segment['id']}", json={"version": 1, "rule": RULE})
    assert changed.status_code == 200
    assert lists.client.delete(f"/api/v1/lists/{list_id}").status_code == 204


def test_a_rule_with_a_list_counts_its_users_as_the_list_is_now(lists: Stack) -> None:
    list_id = made(lists, "u1", "u3", "x9")["id"]

    def count(rule: dict[str, Any]) -> int:
        answer = lists.client.post("/api/v1/rules/count", json={"rule": rule})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["count"])

    on_list = {"kind": "list", "list_id": list_id}
    assert count(on_list) == 2
    assert count({**on_list, "not": True}) == 1
    put(lists, list_id, "append", "u2")
    assert count(on_list) == 3
    put(lists, list_id, "replace", "u2")
    assert count(on_list) == 1
    missing = lists.client.post("/api/v1/rules/count", json={"rule": {"kind": "list", "list_id": 999}})
    assert (missing.status_code, missing.json()["code"]) == (422, "unknown_list")
    assert missing.json()["pointer"] == "/rule/list_id"


def test_uploads_to_one_list_at_once_all_come_through(lists: Stack) -> None:
    list_id = made(lists, "u0")["id"]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda n: put(lists, list_id, "append", f"u0\nshared\nown {n}"), range(6)))
    assert [answer.status_code for answer in answers] == [200] * 6
    assert downloaded(lists, list_id) == [*(f"own {n}" for n in range(6)), "shared", "u0"]
    assert lists.client.get(f"/api/v1/lists/{list_id}").json()["version"] == 7


def test_a_list_whose_table_is_gone_is_kept_and_not_compared(
    make_stack: Callable[..., Stack], admin: ClickHouse, clickhouse_server: ClickHouseServer
) -> None:
    create_databases(admin, "segmentator", "datasets")
    admin.execute(CompiledQuery("CREATE TABLE datasets.passing (id String) ENGINE = MergeTree ORDER BY id"))
    stack = make_stack(
        (RegisteredDataset("passing", "datasets", "passing", "id"),),
        clickhouse_url=clickhouse_server.writer_url,
        default_dataset="passing",
    )
    list_id = made(stack, "u1")["id"]
    admin.execute(CompiledQuery("DROP TABLE datasets.passing SYNC"))
    appended = put(stack, list_id, "append", "u2").json()
    assert (appended["items"], appended["matched"], appended["unmatched"]) == (2, None, None)
    assert downloaded(stack, list_id) == ["u1", "u2"]
    answer = stack.client.get(f"/api/v1/lists/{list_id}/unmatched")
    assert (answer.status_code, answer.json()["code"]) == (409, "list_not_compared")
    assert "passing" in answer.json()["message"]


def test_a_clickhouse_that_is_down_is_an_error_before_the_download_begins(
    make_stack: Callable[..., Stack], lists: Stack
) -> None:
    list_id = made(lists, "u1")["id"]
    down = make_stack((), clickhouse_url=f"http://nobody:x@127.0.0.1:{free_port()}")
    for path in ("items", "unmatched"):
        answer = down.client.get(f"/api/v1/lists/{list_id}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "clickhouse_unavailable")
        assert_shape(answer)


def test_a_file_name_may_be_in_any_script(lists: Stack) -> None:
    list_id = made(lists, "u1", name="Группа: а/б")["id"]
    shown = lists.client.get(f"/api/v1/lists/{list_id}/unmatched").headers["content-disposition"]
    assert "filename*=UTF-8''%D0%93%D1%80%D1%83%D0%BF%D0%BF%D0%B0_%20%D0%B0_%D0%B1%20-%20unmatched.csv" in shown
