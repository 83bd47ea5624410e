from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.collection import list_upload
from segmentator_dagster.collection.id_file import FileKind, IdFile
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.uploaded_list import ListLabel, Mode, UploadedList
from segmentator_dagster.storage.list_items import ListItems
from tests.collection.list_bench import Bench
from tests.parallel import in_parallel


def accounts(one: UploadedList) -> tuple[int, ...]:
    report = one.contents.report
    assert report.rows == report.empty + report.duplicates + report.already + report.added
    return report.rows, report.empty, report.duplicates, report.already, report.added


def test_a_new_list_has_each_value_once_and_says_what_became_of_every_row(bench: Bench) -> None:
    made = bench.create("a", " a ", "", "b", "c", "a", "  ")
    assert accounts(made) == (7, 2, 2, 0, 3)
    assert made.contents.report.empty_lines == (3, 7)
    assert (made.contents.items, made.contents.matched, made.contents.unmatched) == (3, 2, 1)
    assert bench.values(made.id) == ["a", "b", "c"]


def test_replacing_leaves_nothing_of_what_was_there(bench: Bench) -> None:
    made = bench.create("a", "b")
    changed = bench.fill(made.id, Mode.REPLACE, "b", "x", "x")
    assert accounts(changed) == (3, 0, 1, 0, 2)
    assert (changed.version, changed.contents.report.mode, changed.contents.matched) == (2, Mode.REPLACE, 1)
    assert bench.values(made.id) == ["b", "x"]


def test_appending_adds_what_is_not_there_yet(bench: Bench) -> None:
    made = bench.create("a", "b")
    changed = bench.fill(made.id, Mode.APPEND, "b", "c", "", "c", "z")
    assert accounts(changed) == (5, 1, 1, 1, 2)
    assert (changed.contents.items, changed.contents.matched) == (4, 3)
    assert bench.values(made.id) == ["a", "b", "c", "z"]
    same = bench.fill(made.id, Mode.APPEND, "a", "z")
    assert accounts(same) == (2, 0, 0, 2, 0)
    assert (same.version, same.contents.parts) == (3, changed.contents.parts)


def test_a_list_that_is_appended_to_for_ever_keeps_few_parts(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_upload, "MOST_PARTS", 3)
    made = bench.create("0")
    for number in range(1, 9):
        changed = bench.fill(made.id, Mode.APPEND, "0", str(number))
        assert accounts(changed) == (2, 0, 0, 1, 1)
        assert len(changed.contents.parts) <= 3
    assert bench.values(made.id) == [str(number) for number in range(9)]


def test_a_list_whose_dataset_is_gone_is_kept_uncompared(bench: Bench) -> None:
    made = bench.create("a")
    changed = bench.uploads.fill(made.id, Mode.APPEND, bench.file("b"), None)
    assert (changed.contents.items, changed.contents.matched) == (2, None)
    missing = Dataset("people", "datasets", "no_such_table", "id", None, bench.dataset.fields)
    assert bench.uploads.fill(made.id, Mode.APPEND, bench.file("c"), missing).contents.matched is None


@pytest.mark.parametrize(
    ("values", "code"),
    [(("", " "), "file_empty"), ((" x", "y" * 10_001), "value_too_long"), (("имя", ""), "name_taken")],
)
def test_a_refused_upload_leaves_neither_a_list_nor_values(bench: Bench, values: Sequence[str], code: str) -> None:
    bench.create("a", name="taken")
    before = bench.stored_parts()
    with pytest.raises(UserError) as error:
        bench.create(*values, name="taken" if code == "name_taken" else "new")
    assert error.value.code == code
    assert len(bench.lists.page().items) == 1
    assert bench.stored_parts() == before


def test_a_file_with_rows_and_no_values_is_refused(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("id;name\n;x\n ;y\n", "utf-8")
    ids = IdFile.opened(path, FileKind.CSV, column="id", has_header=None, expected_column="")
    with pytest.raises(UserError) as error:
        bench.uploads.create(ListLabel("x", "people"), ids, bench.dataset, None)
    assert error.value.code == "no_values"
    assert "2" in error.value.problems[0].message("ru")


def test_parallel_appends_all_come_through_and_no_value_is_there_twice(bench: Bench) -> None:
    made = bench.create("a")
    uploads = [lambda n=n: bench.fill(made.id, Mode.APPEND, "a", "shared", f"own {n}") for n in range(5)]
    assert in_parallel(*uploads) == ["done"] * 5
    assert bench.values(made.id) == ["a", *(f"own {n}" for n in range(5)), "shared"]
    assert bench.lists.get(made.id).version == 6


def test_of_parallel_replacements_one_is_there_whole(bench: Bench) -> None:
    made = bench.create("a")
    uploads = [lambda n=n: bench.fill(made.id, Mode.REPLACE, *(f"{n} {m}" for m in range(50))) for n in range(4)]
    assert in_parallel(*uploads) == ["done"] * 4
    values = bench.values(made.id)
    assert values in [sorted(f"{n} {m}" for m in range(50)) for n in range(4)]


def test_of_parallel_new_lists_of_one_name_one_is_made(bench: Bench) -> None:
    assert (
        sorted(in_parallel(*(lambda: bench.create("a", name="same") for _ in range(4))))
        == ["done"] + ["name_taken"] * 3
    )
    (made,) = bench.lists.page().items
    assert bench.values(made.id) == ["a"]


def test_a_list_deleted_in_mid_upload_stays_deleted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench.create("a")
    settle = ListItems.settle

    def deleting(self: ListItems, part: str, **more: Any) -> None:
        settle(self, part, **more)
        bench.lists.delete(made.id)

    monkeypatch.setattr(ListItems, "settle", deleting)
    with pytest.raises(UserError) as error:
        bench.fill(made.id, Mode.REPLACE, "x")
    assert error.value.code == "list_deleted"
    assert bench.lists.restore(made.id).contents == made.contents
    assert bench.values(made.id) == ["a"]
