from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.uploaded_list import Mode
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata import list_parts
from segmentator_dagster.storage.metadata.database import Database
from tests.collection.list_bench import Bench
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer


@pytest.mark.parametrize("mode", list(Mode))
def test_an_upload_that_breaks_off_leaves_the_old_list_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    made = bench.create("a", "b")
    before = bench.stored_parts()
    append = ListItems.append

    def breaks(self: ListItems, part: str, values: pa.Array) -> None:
        append(self, part, values)
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(ListItems, "append", breaks)
        with pytest.raises(OSError, match="the disk is gone"):
            bench.fill(made.id, mode, "x", "y")
    assert bench.values(made.id) == ["a", "b"]
    assert bench.lists.get(made.id) == made
    assert bench.stored_parts() == before


def test_a_server_that_dies_in_mid_upload_leaves_the_old_list_whole(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench.create("a")
    append = ListItems.append

    def dies(self: ListItems, part: str, values: pa.Array) -> None:
        append(self, part, values)
        monkeypatch.setattr(self, "_writer", ClickHouse(f"http://writer:x@127.0.0.1:{free_port()}"))

    own = ListItems(bench.items._writer, "segmentator")
    uploads = ListUploads(bench.lists, bench.parts, own)
    monkeypatch.setattr(ListItems, "append", dies)
    with pytest.raises(UserError) as error:
        uploads.fill(made.id, Mode.REPLACE, bench.file("x"), bench.dataset)
    assert error.value.code == "clickhouse_unavailable"
    assert bench.values(made.id) == ["a"]
    monkeypatch.undo()
    left = bench.parts.unwanted()
    assert left
    bench.fill(made.id, Mode.APPEND, "y")  # the next upload sweeps
    assert not bench.stored_parts() & set(left)
    assert bench.values(made.id) == ["a", "y"]


KILLED = """
import sys, time
from pathlib import Path
from segmentator_dagster.collection import lines_file
from segmentator_dagster.collection.id_file import FileKind, IdFile
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.uploaded_list import Mode
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists

url, clickhouse, path, list_id, mode, moment = sys.argv[1:]

def stands_still(original):
    def wrapped(*args, **more):
        result = original(*args, **more)
        print("still", flush=True)
        time.sleep(600)
        return result
    return wrapped

lines_file.BATCH_BYTES = 50
setattr(ListItems, moment, stands_still(getattr(ListItems, moment)))
database = Database(url)
uploads = ListUploads(Lists(database), ListParts(database), ListItems(ClickHouse(clickhouse), "segmentator"))
ids = IdFile.opened(Path(path), FileKind.TEXT, column=None, has_header=None, expected_column="")
uploads.fill(int(list_id), Mode(mode), ids, None)
"""


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("moment", ["append", "settle"])
def test_a_killed_upload_leaves_the_old_list_whole_and_is_swept_a_day_later(
    bench: Bench,
    database: Database,
    clickhouse_server: ClickHouseServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
    moment: str,
) -> None:
    made = bench.create("a", "b")
    before = bench.stored_parts()
    path = tmp_path / "killed"
    path.write_text("\n".join(f"value {number}" for number in range(100)), "utf-8")
    url = database.url.render_as_string(hide_password=False)
    arguments = [url, clickhouse_server.writer_url, str(path), str(made.id), mode.value, moment]
    process = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"still\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    left = bench.stored_parts() - before
    assert left  # it did write
    assert bench.lists.get(made.id) == made
    assert bench.values(made.id) == ["a", "b"]
    bench.fill(made.id, Mode.APPEND, "c")
    assert bench.stored_parts() >= left  # it might be running still, for all anybody knows
    monkeypatch.setattr(list_parts, "UNWANTED_AFTER", timedelta(seconds=0))
    bench.uploads.sweep()
    assert not bench.stored_parts() & left
    assert bench.values(made.id) == ["a", "b", "c"]
