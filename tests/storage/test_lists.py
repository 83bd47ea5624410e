from __future__ import annotations

import csv
import io
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.uploaded_list import ListLabel, UploadedList
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata import list_parts
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.pages import SORTS
from tests.storage.conftest import contents, make_list


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        action()
    return error.value.code


def test_a_list_reads_back_as_it_was_written(lists: Lists, parts: ListParts) -> None:
    label, held = ListLabel("Группа", "d", "city", "о"), contents(parts.begin(), matched=None)
    made = lists.create(label, held, 7)
    assert lists.get(made.id) == made
    assert (made.label, made.contents, made.version, made.owner_id) == (label, held, 1, 7)
    assert made.contents.unmatched is None
    assert contents(matched=2, items=5).unmatched == 3


def test_a_list_whose_entry_cannot_be_written_down_is_not_made_and_not_filled(lists: Lists, parts: ListParts) -> None:
    def lost(_: UploadedList) -> None:
        raise InternalError("the log is full")

    with pytest.raises(InternalError):
        lists.create(ListLabel("a", "d", None), contents(parts.begin()), 7, recorded=lost)
    assert lists.page().items == ()
    made = make_list(lists, parts, "a")
    with pytest.raises(InternalError):
        lists.fill(made.id, made.version, contents(parts.begin()), lost)
    assert lists.get(made.id) == made


@pytest.mark.parametrize("list_id", [0, -1, 999, 2**31, 2**70])
def test_an_unknown_list_is_not_found_whatever_its_id(lists: Lists, list_id: int) -> None:
    for action in (lists.get, lists.delete, lists.restore):
        assert refusal(lambda action=action: action(list_id)) == "list_not_found"  # type: ignore[misc]


def test_names_are_unique_among_live_lists_whatever_their_case(lists: Lists, parts: ListParts) -> None:
    first = make_list(lists, parts, "Группа")
    assert refusal(lambda: make_list(lists, parts, " группа ")) == "name_taken"
    assert refusal(lambda: lists.refuse_taken("ГРУППА")) == "name_taken"
    other = make_list(lists, parts, "Другая")
    assert refusal(lambda: lists.rename(other.id, "ГРУППА", None)) == "name_taken"
    lists.delete(first.id)
    assert refusal(lambda: lists.get(first.id)) == "list_deleted"
    lists.refuse_taken("Группа")
    again = make_list(lists, parts, "Группа")
    assert again.id > other.id  # ids are never used twice
    assert refusal(lambda: lists.restore(first.id)) == "name_taken"
    lists.delete(again.id)
    restored = lists.restore(first.id)
    assert (restored.deleted_at, restored.contents) == (None, first.contents)
    assert lists.restore(first.id) == restored


def test_renaming_changes_what_is_given_and_nothing_of_the_contents(lists: Lists, parts: ListParts) -> None:
    made = make_list(lists, parts, "a", description="x")
    renamed = lists.rename(made.id, "b", None)
    assert (renamed.label.name, renamed.label.description, renamed.version) == ("b", "x", 1)
    assert lists.rename(made.id, None, "").label.description == ""
    assert lists.rename(made.id, "b", "").updated_at == lists.get(made.id).updated_at
    assert renamed.contents == made.contents


def test_search_and_pages_find_every_list_once(lists: Lists, parts: ListParts) -> None:
    ids = [make_list(lists, parts, f"имя {n % 3} {n:02}", dataset="d" if n % 2 else "e").id for n in range(9)]
    found = make_list(lists, parts, "VIP 100%", description="Лучшие клиенты")
    for text in ("vip", "100%", "клиенты ЛУЧШИЕ"):
        assert [one.id for one in lists.page(search=text).items] == [found.id]
    assert [one.id for one in lists.page(dataset="e", sort="id").items] == ids[::2]
    for sort in SORTS:
        seen: list[int] = []
        cursor = None
        while True:
            page = lists.page(sort=sort, limit=4, cursor=cursor)
            seen += [one.id for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == [*ids, found.id]
    assert refusal(lambda: lists.page(sort="name", cursor=lists.page(sort="id", limit=2).next_cursor)) == "bad_cursor"
    lists.delete(found.id)
    assert [one.id for one in lists.page(deleted=True).items] == [found.id]


def test_new_contents_are_refused_where_another_upload_was_first(lists: Lists, parts: ListParts) -> None:
    made = make_list(lists, parts)
    second = lists.fill(made.id, 1, contents(parts.begin(), items=7))
    assert second is not None
    assert (second.version, second.contents.items) == (2, 7)
    assert lists.fill(made.id, 1, contents(parts.begin())) is None
    assert lists.get(made.id) == second
    lists.delete(made.id)
    assert refusal(lambda: lists.fill(made.id, 2, contents(parts.begin()))) == "list_deleted"


def test_of_parallel_uploads_based_on_one_version_exactly_one_wins(lists: Lists, parts: ListParts) -> None:
    made, won = make_list(lists, parts), list[bool]()
    threads = [
        threading.Thread(target=lambda: won.append(bool(lists.fill(made.id, 1, contents(parts.begin())))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_only_parts_that_nobody_can_want_are_swept(
    lists: Lists, parts: ListParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = make_list(lists, parts, "a"), make_list(lists, parts, "deleted")
    lists.delete(other.id)
    replaced, deleted = made.contents.parts[0], other.contents.parts[0]
    current, being_written, failed = parts.begin(), parts.begin(), parts.begin()
    lists.fill(made.id, 1, contents(current))
    parts.discard([failed, current])  # a list has `current`: it cannot be discarded
    assert parts.unwanted() == (failed,)
    parts.forget([failed, current])
    monkeypatch.setattr(list_parts, "UNWANTED_AFTER", timedelta(0))
    assert set(parts.unwanted()) == {replaced, being_written}
    monkeypatch.undo()
    # what was swept can never become visible
    with pytest.raises(InternalError):
        lists.fill(made.id, 2, contents(being_written))
    assert lists.get(made.id).contents.parts == (current,)
    assert set(parts.unwanted()) == {replaced, being_written}  # a sweep that died goes on
    parts.forget([replaced, being_written])
    assert parts.unwanted() == ()
    assert lists.restore(other.id).contents.parts == (deleted,)


def test_many_parts_in_use_do_not_hide_the_one_that_nobody_wants(
    lists: Lists, parts: ListParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_parts, "_MOST_AT_ONCE", 2)
    monkeypatch.setattr(list_parts, "UNWANTED_AFTER", timedelta(0))
    for number in range(6):
        make_list(lists, parts, f"имя {number}")
    left = {parts.begin() for _ in range(3)}
    swept: set[str] = set()
    for _ in range(2):
        found = parts.unwanted()
        swept |= set(found)
        parts.forget(found)
    assert swept == left


def test_sweeping_at_once_from_several_places_is_no_conflict(
    lists: Lists, parts: ListParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_parts, "UNWANTED_AFTER", timedelta(0))
    made, left = make_list(lists, parts), {parts.begin() for _ in range(40)}

    def sweep(_: int) -> None:
        for _ in range(5):
            parts.forget(parts.unwanted())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(sweep, range(6)))
    assert not set(parts.unwanted()) & left
    assert lists.get(made.id).contents == made.contents


def test_a_part_that_was_replaced_just_now_is_kept_for_queries_that_read_it(lists: Lists, parts: ListParts) -> None:
    made = make_list(lists, parts)
    lists.fill(made.id, 1, contents(parts.begin()))
    assert parts.unwanted() == ()


@pytest.fixture
def items(admin: ClickHouse, writer: ClickHouse) -> ListItems:
    create_databases(admin, "segmentator", "datasets")
    return ListItems(writer, "segmentator")


@pytest.fixture
def people(admin: ClickHouse) -> Iterator[Callable[..., Dataset]]:
    """A table of users with a key of this type."""
    made: list[str] = []

    def make(key_type: str, values: str, city: str = "String") -> Dataset:
        table = f"people_{uuid.uuid4().hex[:12]}"
        made.append(table)
        admin.execute(
            CompiledQuery(f"CREATE TABLE datasets.{table} (id {key_type}, city {city}) ENGINE = MergeTree ORDER BY ()")
        )
        admin.execute(CompiledQuery(f"INSERT INTO datasets.{table} VALUES {values}"))
        columns = {"id": key_type, "city": city}
        fields = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in columns.items())
        return Dataset(table, "datasets", table, "id", None, fields)

    yield make
    for table in made:
        admin.execute(CompiledQuery(f"DROP TABLE datasets.{table}"))


def filled(items: ListItems, *values: str) -> str:
    part = str(uuid.uuid4())
    items.append(part, pa.array(values, pa.string()))
    return part


def values_of(items: ListItems, *parts: str) -> list[str]:
    text = b"".join(items.stream(parts, "CSV", {})).decode()
    return [row[0] for row in csv.reader(io.StringIO(text, newline=""))]


def test_values_are_kept_to_the_letter(items: ListItems) -> None:
    values = ["", "a", "A", "ё", "x" * 10_000, 'q"uote', "line\nbreak", "0", "00", "e\u0301", "\u00e9"]
    part = filled(items, *values)
    assert values_of(items, part) == sorted(values, key=str.encode)
    assert items.count([part]) == len(values)


def test_settling_gives_each_new_value_once(items: ListItems) -> None:
    raw, old, older = filled(items, "a", "b", "b", "c"), filled(items, "c", "d"), filled(items, "a")
    fresh, everything = str(uuid.uuid4()), str(uuid.uuid4())
    items.settle(fresh, of=[raw], without=[old, older])
    assert values_of(items, fresh) == ["b"]
    items.settle(everything, of=[raw, old, older])
    assert values_of(items, everything) == ["a", "b", "c", "d"]
    assert (items.count([raw]), items.count_distinct(raw)) == (4, 3)
    items.drop([raw, fresh])
    assert values_of(items, raw, fresh) == []
    assert values_of(items, old, older) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("key_type", "rows", "matched", "unmatched"),
    [
        ("String", "('1', ''), ('1', ''), ('x', '')", 2, ["007", "2"]),
        ("LowCardinality(Nullable(String))", "('1', ''), (NULL, '')", 1, ["007", "2", "x"]),
        ("UInt64", "(1, ''), (7, '')", 1, ["007", "2", "x"]),
        ("Nullable(Int32)", "(1, ''), (2, ''), (NULL, '')", 2, ["007", "x"]),
        ("FixedString(4)", "('1', ''), ('x', '')", 2, ["007", "2"]),
    ],
)
def test_values_meet_the_user_key_as_text(
    items: ListItems, people: Callable[..., Dataset], key_type: str, rows: str, matched: int, unmatched: list[str]
) -> None:
    part, dataset = filled(items, "1", "2", "x", "007"), people(key_type, rows)
    assert items.count_matched([part], dataset, None) == matched
    text = b"".join(items.stream_unmatched([part], dataset, None, "TSV", {})).decode()
    assert text.split() == unmatched


@pytest.mark.parametrize("city", ["String", "Nullable(String)", "LowCardinality(String)", "Enum('Омск' = 1, 'x' = 2)"])
def test_values_meet_another_field_as_text_too(items: ListItems, people: Callable[..., Dataset], city: str) -> None:
    part = filled(items, "Омск", "Уфа")
    dataset = people("String", "('1', 'Омск'), ('2', 'Омск'), ('3', 'x')", city)
    assert items.count_matched([part], dataset, "city") == 1
    assert b"".join(items.stream_unmatched([part], dataset, "city", "TSV", {})).decode() == "Уфа\n"


def test_nothing_of_another_list_is_compared(items: ListItems, people: Callable[..., Dataset]) -> None:
    part, dataset = filled(items, "1"), people("String", "('1', ''), ('2', '')")
    filled(items, "2", "3")
    assert items.count_matched([part], dataset, None) == 1
    assert b"".join(items.stream_unmatched([part], dataset, None, "TSV", {})) == b""


def test_the_reader_may_read_values_and_not_change_them(items: ListItems, reader: ClickHouse) -> None:
    part = filled(items, "a")
    assert ListItems(reader, "segmentator").count([part]) == 1
    for change in (
        lambda: filled(ListItems(reader, "segmentator"), "b"),
        lambda: ListItems(reader, "segmentator").drop([part]),
    ):
        with pytest.raises((UserError, InternalError)):
            change()
    assert values_of(items, part) == ["a"]
