from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.export import Export, File, Format, Status, Trigger
from segmentator_dagster.exports import retention
from segmentator_dagster.exports.extract import drop_table, extract_name, extract_tables
from segmentator_dagster.exports.retention import Retention
from segmentator_dagster.sensors.retention import retention_sensor
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from tests.servers.child import free_port
from tests.storage.conftest import definition
from tests.storage.stores import KINDS, Store, killable_command, make_store, put

ROOT = Path(__file__).parents[2]
DATABASE = "segmentator"
LATER = timedelta(hours=2)
Ended = Callable[..., Export]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


@pytest.fixture
def kept(store: Store, exports: Exports, admin: ClickHouse, writer: ClickHouse) -> Retention:
    create_databases(admin, DATABASE, "datasets")
    for table in extract_tables(writer, DATABASE):
        drop_table(writer, DATABASE, table.name)
    return Retention(exports, store.objects, store.uploads, writer, DATABASE)


@pytest.fixture
def ended(segments: Segments, exports: Exports, attempts: Attempts, store: Store) -> Ended:
    """An export in a state; a published one with a file, its manifest and a file of an attempt before it."""

    def make(status: Status) -> Export:
        segment = segments.create(definition(uuid.uuid4().hex), "f", None)
        request = exports.request(segment, [Format.CSV], trigger=Trigger.API, requested_by_id=None)
        (export,) = request.exports
        folder = folder_of(export)
        put(store.objects, f"{folder}/1/abcd/0001", [b"an earlier attempt"])
        put(store.objects, f"{folder}/2/ef01/0001", [b"a,b\r\n"])
        put(store.objects, f"{folder}/2/ef01/manifest.json", [b"{}"])
        if status is Status.CANCELLED:
            exports.cancel(export.id)
        elif status is not Status.REQUESTED:
            attempts.claim(request.id, "run", None)
            attempts.start(export.id, 1)
        if status is Status.PUBLISHED:
            file = File(f"{folder}/2/ef01/0001", "a.csv", 1, 5, "0" * 64)
            manifest = {"rows": 1, "bytes": 5, "sha256": "0" * 64, "snapshot_users": 1}
            assert attempts.publish(export.id, 1, files=[file], manifest=manifest)
        return exports.get(export.id)

    return make


def folder_of(export: Export) -> str:
    return f"exports/{export.segment_id}/{export.id}"


def sweep(kept: Retention, moment: datetime) -> None:
    after = "go"
    while after:
        _, after = kept.remove_leftovers(moment, "" if after == "go" else after)
    kept.abort_uploads(moment)


def extract_of(writer: ClickHouse, request_id: str) -> str:
    name = extract_name(request_id, str(uuid.uuid4()))
    writer.execute(CompiledQuery(f"CREATE TABLE {DATABASE}.{name} (c0 String) ENGINE = MergeTree ORDER BY c0"))
    return name


def test_files_past_their_day_are_deleted_and_the_export_says_so(
    store: Store, kept: Retention, exports: Exports, ended: Ended
) -> None:
    export = ended(Status.PUBLISHED)
    assert export.expires_at is not None
    assert kept.expire(export.expires_at - timedelta(seconds=1)) == 0
    assert len(store.left()) == 3
    assert kept.expire(export.expires_at) == 1
    assert store.left() == []
    after = exports.get(export.id)
    assert after.status is Status.PUBLISHED
    assert after.deleted_at is not None
    assert kept.expire(export.expires_at) == 0


@pytest.mark.parametrize("store", ["s3_server"], indirect=True)
def test_nothing_is_called_deleted_while_the_store_is_down_and_the_rest_is_swept(
    store: Store,
    kept: Retention,
    exports: Exports,
    ended: Ended,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    export = ended(Status.PUBLISHED)
    extract_of(kept.writer, str(uuid.uuid4()))
    monkeypatch.setattr(retention, "SAFE_AGE", timedelta(seconds=-1))
    monkeypatch.setattr("segmentator_dagster.sensors.retention.now", lambda: now() + timedelta(days=40_000))
    gone = store.through(f"http://127.0.0.1:{free_port()}")
    assert look(Retention(exports, gone.objects, gone.uploads, kept.writer, DATABASE), instance) == (
        "Removed expired exports: object_store_unavailable, leftover objects: object_store_unavailable, "
        "unfinished uploads: object_store_unavailable, extracts: 1."
    )
    assert exports.get(export.id).deleted_at is None
    assert look(kept, instance).startswith("Removed expired exports: 1, leftover objects: 0, ")
    assert exports.get(export.id).deleted_at is not None


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (Status.REQUESTED, ["1/abcd/0001", "2/ef01/0001", "2/ef01/manifest.json"]),
        (Status.RUNNING, ["1/abcd/0001", "2/ef01/0001", "2/ef01/manifest.json"]),
        (Status.PUBLISHED, ["2/ef01/0001", "2/ef01/manifest.json"]),
        (Status.CANCELLED, []),
    ],
)
def test_leftovers_are_what_no_published_export_has_and_no_open_one_may_be_writing(
    store: Store, kept: Retention, ended: Ended, status: Status, left: list[str]
) -> None:
    export = ended(status)
    sweep(kept, now())
    assert len(store.left()) == 3  # all of it is young
    sweep(kept, now() + LATER)
    assert sorted(store.left()) == [f"{folder_of(export)}/{key}" for key in left]


def test_objects_of_exports_that_nobody_knows_go_and_what_is_not_ours_stays(store: Store, kept: Retention) -> None:
    put(store.objects, f"exports/1/{uuid.uuid4()}/1/abcd/0001", [b"1"])
    put(store.objects, "exports/readme.txt", [b"1"])
    put(store.objects, "backups/x", [b"1"])
    sweep(kept, now() + LATER)
    assert sorted(store.left()) == ["backups/x", "exports/readme.txt"]


def test_a_sweep_goes_on_where_the_last_one_stopped_and_starts_again(
    store: Store, kept: Retention, ended: Ended, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_OBJECTS", 2)
    monkeypatch.setattr(retention, "SAFE_AGE", timedelta(seconds=-60))
    for _ in range(2):
        ended(Status.CANCELLED)
    sizes, cursor = [], ""
    for _ in range(5):
        context = dg.build_sensor_context(instance=instance, resources={"retention": kept}, cursor=cursor)
        retention_sensor(context)
        cursor = context.cursor or ""
        sizes.append(len(store.left()))
    assert sizes == [4, 2, 0, 0, 0]
    assert cursor == ""


@pytest.mark.parametrize("megabytes", [0, 20])
def test_a_process_killed_in_mid_upload_leaves_nothing_after_the_sweep(
    store: Store, kept: Retention, ended: Ended, exports: Exports, megabytes: int
) -> None:
    export = ended(Status.RUNNING)
    store.objects.discard(folder_of(export))
    with subprocess.Popen(
        killable_command(store, f"{folder_of(export)}/1/ab12/0001", megabytes), cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    begun = 1 if megabytes or store.objects.folder else 0  # S3 hears of less than a part when it is whole
    assert len(store.left()) == begun
    sweep(kept, now() + LATER)
    assert len(store.left()) == begun  # the export is still open
    exports.cancel(export.id)
    sweep(kept, now())
    assert len(store.left()) == begun  # it is still young
    sweep(kept, now() + LATER)
    assert store.left() == []


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_old_extracts_of_requests_that_ended_are_dropped(
    kept: Retention, ended: Ended, writer: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = extract_of(writer, ended(Status.RUNNING).request_id)
    extract_of(writer, ended(Status.CANCELLED).request_id)
    extract_of(writer, str(uuid.uuid4()))
    assert kept.drop_extracts() == 0
    monkeypatch.setattr(retention, "SAFE_AGE", timedelta(seconds=-1))
    assert kept.drop_extracts() == 2
    assert [table.name for table in extract_tables(writer, DATABASE)] == [running]


@pytest.mark.parametrize("store", ["folder"], indirect=True)
def test_the_sensor_says_how_much_it_removed(kept: Retention, ended: Ended, instance: dg.DagsterInstance) -> None:
    ended(Status.CANCELLED)
    assert look(kept, instance) == (
        "Removed expired exports: 0, leftover objects: 0, unfinished uploads: 0, extracts: 0."
    )


def look(kept: Retention, instance: dg.DagsterInstance) -> str:
    skipped = retention_sensor(dg.build_sensor_context(instance=instance, resources={"retention": kept}))
    assert isinstance(skipped, dg.SkipReason)
    return skipped.skip_message or ""
