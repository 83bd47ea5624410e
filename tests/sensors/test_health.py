from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.sensors import health as sensor_module
from segmentator_dagster.sensors.health import Known, digest, noticed, segment_health_sensor
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.health import SegmentHealth
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.segments import Segments
from tests.servers.child import free_port
from tests.storage.conftest import definition, make_list

NOON, LATER = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)


class Ward:
    """One table of its own, segments over it, and the sensor with its cursor."""

    def __init__(
        self, admin: ClickHouse, reader: ClickHouse, database: Database, instance: dg.DagsterInstance, table: str
    ) -> None:
        self.table = table
        self.segments, self.datasets = Segments(database), Datasets(database)
        self.lists, self.parts = Lists(database), ListParts(database)
        self.clickhouse = reader
        self.cursor: str | None = None
        self._admin = admin
        self._health = SegmentHealth(database)
        self._instance = instance
        self.sql(f"CREATE TABLE datasets.{table} (user_id String, city String) ENGINE = MergeTree ORDER BY user_id")
        self.datasets.register(RegisteredDataset(table, "datasets", table, "user_id"))

    def sql(self, text: str) -> None:
        self._admin.execute(CompiledQuery(text))

    def alter(self, change: str) -> None:
        self.sql(f"ALTER TABLE datasets.{self.table} {change}")

    def segment(self, name: str = "Омичи", rule: object = None, **more: Any) -> Segment:
        written = definition(name, rule=rule or self.city(), dataset=self.table, **more)
        return self.segments.create(written, "f", None)

    def city(self) -> dict[str, Any]:
        where = {"combinator": "and", "rules": [{"field": "city", "operator": "=", "value": "Омск"}]}
        return {"kind": "activity", "dataset": self.table, "where": where}

    def tick(self) -> str:
        context = dg.build_sensor_context(
            instance=self._instance,
            cursor=self.cursor,
            resources={"health": self._health, "datasets": self.datasets, "clickhouse": self.clickhouse},
        )
        result = segment_health_sensor(context)
        assert isinstance(result, dg.SkipReason)
        self.cursor = context.cursor
        return result.skip_message or ""

    def faults(self, segment: Segment) -> list[tuple[str, str]]:
        broken = self.segments.get(segment.id).broken
        return [(fault.code, fault.pointer) for fault in broken.faults] if broken else []


@pytest.fixture
def ward(admin: ClickHouse, reader: ClickHouse, database: Database, instance: dg.DagsterInstance) -> Iterator[Ward]:
    made = Ward(admin, reader, database, instance, f"health_{uuid.uuid4().hex[:12]}")
    yield made
    made.sql(f"DROP TABLE IF EXISTS datasets.{made.table} SYNC")


def test_a_dropped_column_breaks_the_segments_that_use_it_and_its_return_heals_them(ward: Ward) -> None:
    user, other = ward.segment(), ward.segment("Все", {"kind": "everyone"})
    assert ward.tick() == "2 segments checked, 0 broke, 0 are whole again."
    ward.alter("DROP COLUMN city")
    assert ward.tick() == "2 segments checked, 1 broke, 0 are whole again."
    assert ward.faults(user) == [("unknown_field", "/rule/where/rules/0/field")]
    broken = ward.segments.get(user.id).broken
    assert broken is not None
    assert "city" in broken.faults[0].message_ru
    assert "city" in broken.faults[0].message_en
    assert ward.faults(other) == []
    assert [one.id for one in ward.segments.page(broken=True).items] == [user.id]
    assert [one.id for one in ward.segments.page(broken=False).items] == [other.id]
    ward.alter("ADD COLUMN other String")
    ward.tick()
    again = ward.segments.get(user.id).broken
    assert again is not None
    assert again.since == broken.since  # it is broken since then, not since it was looked at last
    ward.alter("ADD COLUMN city String")
    assert ward.tick() == "2 segments checked, 0 broke, 1 are whole again."
    assert ward.segments.get(user.id).broken is None
    assert ward.segments.get(user.id).updated_at == user.updated_at  # nobody changed it


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("MODIFY COLUMN city UInt32", ("wrong_value_type", "/rule/where/rules/0/value")),
        ("RENAME COLUMN city TO town", ("unknown_field", "/rule/where/rules/0/field")),
    ],
)
def test_a_changed_column_breaks_a_segment_too(ward: Ward, change: str, fault: tuple[str, str]) -> None:
    segment = ward.segment()
    ward.tick()
    ward.alter(change)
    ward.tick()
    assert ward.faults(segment) == [fault]


def test_a_missing_table_and_its_return_are_noticed(ward: Ward) -> None:
    segment = ward.segment()
    ward.tick()
    ward.sql(f"RENAME TABLE datasets.{ward.table} TO datasets.{ward.table}_away")
    ward.tick()
    assert ward.faults(segment) == [("unknown_dataset", "/dataset")]
    ward.sql(f"RENAME TABLE datasets.{ward.table}_away TO datasets.{ward.table}")
    ward.tick()
    assert ward.faults(segment) == []


def test_columns_of_the_file_and_the_user_key_count_as_used(ward: Ward) -> None:
    segment = ward.segment(rule={"kind": "everyone"}, columns=("user_id", "city"))
    ward.tick()
    ward.alter("DROP COLUMN city")
    ward.tick()
    assert ward.faults(segment) == [("unknown_field", "/columns/1")]
    ward.datasets.register(RegisteredDataset(ward.table, "datasets", ward.table, "client"))
    ward.tick()
    assert ward.faults(segment) == [("unknown_field", "/dataset"), ("unknown_field", "/columns/1")]


def test_a_server_that_is_down_breaks_nothing_and_is_asked_again(ward: Ward) -> None:
    segment = ward.segment()
    reader, ward.clickhouse = ward.clickhouse, ClickHouse(f"http://reader:x@127.0.0.1:{free_port()}")
    assert ward.tick().startswith("Nothing was checked: clickhouse_unavailable")
    assert ward.cursor is None
    assert ward.faults(segment) == []
    ward.clickhouse = reader
    assert ward.tick().startswith("1 segments checked")


def test_a_segment_is_broken_where_one_it_refers_to_is(ward: Ward) -> None:
    inner = ward.segment("inner")
    middle = ward.segment("middle", {"kind": "segment", "segment_id": inner.id})
    outer = ward.segment("outer", {"kind": "segment", "segment_id": middle.id})
    ward.tick()
    ward.alter("DROP COLUMN city")
    assert ward.tick() == "3 segments checked, 3 broke, 0 are whole again."
    assert ward.faults(outer) == [("broken_segment", "/rule/segment_id")]
    # mending the innermost heals them all, though the catalogue stays as it is
    mended = replace(inner.definition, rule={"kind": "everyone"})
    assert ward.segments.update(inner.id, 1, mended, "f", None).broken is None
    assert ward.tick() == "3 segments checked, 0 broke, 2 are whole again."


def test_what_comes_back_deleted_or_restored_is_noticed_without_a_change_of_the_catalogue(ward: Ward) -> None:
    inner, named = ward.segment("inner"), make_list(ward.lists, ward.parts)
    rule = {
        "kind": "group",
        "combinator": "or",
        "rules": [{"kind": "segment", "segment_id": inner.id}, {"kind": "list", "list_id": named.id}],
    }
    user = ward.segment("user", rule)
    ward.tick()
    ward.segments.delete(user.id)
    ward.segments.delete(inner.id)
    ward.lists.delete(named.id)
    ward.segments.restore(user.id)
    ward.tick()
    assert sorted(ward.faults(user)) == [
        ("deleted_segment", "/rule/rules/0/segment_id"),
        ("unknown_list", "/rule/rules/1/list_id"),
    ]
    ward.segments.restore(inner.id)
    ward.tick()
    assert ward.faults(user) == [("unknown_list", "/rule/rules/1/list_id")]
    ward.lists.restore(named.id)
    ward.tick()
    assert ward.faults(user) == []


def test_a_rule_that_cannot_be_read_breaks_its_segment_and_nothing_else(ward: Ward) -> None:
    unread = ward.segment("unread", {"kind": "from the future"})
    user = ward.segment("user", {"kind": "segment", "segment_id": unread.id})
    newer = ward.segment("newer", {"kind": "everyone"}, rule_version=99)
    whole = ward.segment("whole")
    assert ward.tick() == "4 segments checked, 3 broke, 0 are whole again."
    assert ward.faults(unread) == [("unknown_kind", "/rule/kind")]
    assert ward.faults(user) == [("broken_segment", "/rule")]
    assert ward.faults(newer) == [("rule_too_new", "/rule")]
    assert ward.faults(whole) == []


def test_nothing_is_checked_twice_and_deleted_segments_never(ward: Ward) -> None:
    kept, deleted = ward.segment("kept"), ward.segment("deleted")
    ward.segments.delete(deleted.id)
    assert ward.tick().startswith("1 segments checked")
    assert ward.tick().startswith("0 segments checked")
    ward.segments.update(kept.id, 1, replace(kept.definition, name="renamed"), "f", None)
    assert ward.tick().startswith("0 segments checked")
    ward.segment("new")
    assert ward.tick().startswith("1 segments checked")
    ward.cursor = None  # the sensor's cursor was reset
    assert ward.tick().startswith("2 segments checked")


def test_many_segments_are_checked_in_several_ticks_that_reach_the_end(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor_module, "_MOST_SEGMENTS", 40)
    for number in range(90):
        ward.segment(f"имя {number}")
    ward.tick()
    ward.tick()
    ward.alter("DROP COLUMN city")
    ticks = [ward.tick() for _ in range(4)]
    assert [int(tick.split()[0]) for tick in ticks] == [40, 40, 10, 0]
    assert len(ward.segments.page(broken=True, limit=200).items) == 90


CITY = Field("city", FieldType.TEXT, "String", nullable=False)
BASE = Dataset("d", "datasets", "t", "user_id", None, (CITY,), label_ru="Д")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "e"},
        {"database": "other"},
        {"table": "other"},
        {"user_key": "other"},
        {"time_field": "city"},
        {"fields": ()},
        {"fields": (CITY, CITY)},
        {"fields": (replace(CITY, clickhouse_type="Nullable(String)"),)},
        {"fields": (replace(CITY, name="town"),)},
    ],
)
def test_whatever_a_rule_can_stumble_over_makes_another_digest(change: dict[str, Any]) -> None:
    changed = replace(BASE, **change)
    assert digest(Catalogue({changed.name: changed})) != digest(Catalogue({"d": BASE}))


def test_labels_and_the_order_of_datasets_make_no_other_digest() -> None:
    other = replace(BASE, name="e")
    first = Catalogue({"d": BASE, "e": other})
    second = Catalogue({"e": other, "d": replace(BASE, label_ru="другая")})
    assert digest(first) == digest(second)


def test_only_a_catalogue_that_changed_moves_the_moment_on() -> None:
    one, two = Catalogue({"d": BASE}), Catalogue()
    first = noticed(None, one, NOON)
    assert first.since == NOON.isoformat()
    assert noticed(first, one, LATER) == first
    assert noticed(first, two, LATER).since == LATER.isoformat()
    assert Known.of(first.cursor) == first
    assert Known.of(None) is None


def test_a_database_that_fails_is_no_broken_rule(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    from segmentator_dagster.storage.metadata import health as health_module  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE  # noqa: PLC0415

    segment = ward.segment()

    def gone(*_: Any) -> Any:
        raise DATABASE_UNAVAILABLE.error()

    look: Callable[[], str] = ward.tick
    with monkeypatch.context() as patched:
        patched.setattr(health_module, "gathered_library", gone)
        with pytest.raises(UserError):
            look()
    assert ward.faults(segment) == []
    assert ward.tick().startswith("1 segments checked")
