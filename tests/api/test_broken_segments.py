from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.health import SegmentHealth
from tests.api.conftest import RULE, Stack
from tests.api.test_errors import assert_shape
from tests.servers.clickhouse import ClickHouseServer


def refers_to(*segments: dict[str, Any]) -> dict[str, Any]:
    rules = [{"kind": "segment", "segment_id": one["id"]} for one in segments]
    return {"kind": "group", "combinator": "and", "rules": rules}


def path(segment: dict[str, Any]) -> str:
    return f"/api/v1/segments/{segment['id']}"


def test_a_segment_says_who_uses_it_wherever_it_is_shown(stack: Stack) -> None:
    inner = stack.segment("inner")
    assert (inner["used_by"], inner["broken"]) == ([], None)
    users = [stack.segment(f"user {n}", rule=refers_to(inner)) for n in range(2)]
    used_by = [{"id": one["id"], "name": one["name"]} for one in users]
    assert stack.client.get(path(inner)).json()["used_by"] == used_by
    listed = stack.client.get("/api/v1/segments", params={"sort": "id"}).json()["items"]
    assert [one["used_by"] for one in listed] == [used_by, [], []]
    changed = stack.client.patch(path(inner), json={"version": 1, "description": "x"})
    assert changed.json()["used_by"] == used_by


def test_a_segment_in_use_is_not_deleted_and_the_answer_names_who_uses_it(stack: Stack) -> None:
    inner = stack.segment("Отток")
    user = stack.segment("Кампания", rule=refers_to(inner))
    answer = stack.client.delete(path(inner))
    assert (answer.status_code, answer.json()["code"]) == (409, "segment_in_use")
    assert answer.json()["used_by"] == [{"id": user["id"], "name": "Кампания"}]
    assert f"Кампания ({user['id']})" in answer.json()["message"]
    assert_shape(answer)
    assert stack.client.delete(path(user)).status_code == 204
    assert stack.client.delete(path(inner)).status_code == 204
    restored = stack.client.post(f"{path(user)}/restore")
    assert restored.status_code == 200  # what it refers to is still gone
    refused = stack.client.post("/api/v1/segments", json={"name": "new", "rule": refers_to(inner)})
    assert [(one["code"], one["pointer"]) for one in refused.json()["problems"]] == [
        ("deleted_segment", "/rule/rules/0/segment_id")
    ]


def test_a_segment_cannot_come_to_refer_to_itself(stack: Stack) -> None:
    first = stack.segment("first")
    second = stack.segment("second", rule=refers_to(first))
    third = stack.segment("third", rule=refers_to(second))
    for target in (first, second, third):
        answer = stack.client.patch(path(first), json={"version": 1, "rule": refers_to(target)})
        assert (answer.status_code, answer.json()["code"]) == (422, "segment_cycle")
        assert answer.json()["pointer"] == "/rule/rules/0/segment_id"
        assert_shape(answer)


def test_a_copy_uses_what_its_original_uses(stack: Stack) -> None:
    inner = stack.segment("inner")
    user = stack.segment("user", rule=refers_to(inner))
    copy = stack.client.post(f"{path(user)}/copy").json()
    assert [one["id"] for one in stack.client.get(path(inner)).json()["used_by"]] == [user["id"], copy["id"]]


@pytest.fixture
def passing(admin: ClickHouse) -> Iterator[str]:
    """A table that a test may change."""
    name = "datasets.passing_columns"
    admin.execute(
        CompiledQuery(f"CREATE TABLE {name} (id String, platform_main String) ENGINE = MergeTree ORDER BY id")
    )
    yield name
    admin.execute(CompiledQuery(f"DROP TABLE {name} SYNC"))


def test_a_broken_segment_is_shown_with_the_reason_and_found_by_it(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    reader: ClickHouse,
    admin: ClickHouse,
    passing: str,
) -> None:
    stack = make_stack(
        (RegisteredDataset("passing", "datasets", "passing_columns", "id"),),
        clickhouse_url=clickhouse_server.reader_url,
        default_dataset="passing",
    )
    broken, whole = stack.segment("broken", rule=RULE), stack.segment("whole", rule={"kind": "everyone"})
    admin.execute(CompiledQuery(f"ALTER TABLE {passing} DROP COLUMN platform_main"))
    database = Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")
    moment = datetime.now(UTC)
    SegmentHealth(database).check(read_catalogue(Datasets(database), reader), moment, moment, 10)
    database.close()
    shown = stack.client.get(path(broken)).json()["broken"]
    assert datetime.fromisoformat(shown["since"]) == moment
    (problem,) = shown["problems"]
    assert (problem["code"], problem["pointer"]) == ("unknown_field", "/rule/where/rules/0/field")
    assert "нет" in problem["message"]
    english = stack.client.get(path(broken), headers={"Accept-Language": "en"}).json()["broken"]["problems"][0]
    assert "platform_main" in english["message"]
    assert english["message"] != problem["message"]
    for given, expected in (("true", [broken["id"]]), ("false", [whole["id"]])):
        found = stack.client.get("/api/v1/segments", params={"broken": given}).json()["items"]
        assert [one["id"] for one in found] == expected
    mended = stack.client.patch(path(broken), json={"version": 1, "rule": {"kind": "everyone"}})
    assert mended.json()["broken"] is None
