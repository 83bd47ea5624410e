"""A file of ids -> a list in ClickHouse: seen whole or not at all, whoever else uploads to it meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from segmentator_dagster.collection.id_file import IdFile, IdReading
from segmentator_dagster.collection.list_problems import LIST_BUSY, NO_VALUES
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.errors import Category, InternalError, UserError
from segmentator_dagster.domain.segment import Visibility
from segmentator_dagster.domain.uploaded_list import (
    Contents,
    ListLabel,
    Mode,
    Recognised,
    UploadedList,
    UploadReport,
)
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists, Recorded

_log = logging.getLogger(__name__)

MOST_PARTS = 20  # then an append makes one part of them all
_TRIES = 10


@dataclass(frozen=True, slots=True)
class _Written:
    """A file's values in a part of their own, repeated ones too: `values` of them, `distinct` different ones."""

    part: str
    recognised: Recognised
    rows: int
    empty: int
    empty_lines: tuple[int, ...]
    values: int
    distinct: int


@dataclass(frozen=True, slots=True)
class _Before:
    """What stays of a list beside a file's values."""

    mode: Mode = Mode.REPLACE
    parts: tuple[str, ...] = ()
    items: int = 0

    @classmethod
    def of(cls, contents: Contents, mode: Mode) -> _Before:
        return cls(mode, contents.parts, contents.items) if mode is Mode.APPEND else cls()


@dataclass(frozen=True, slots=True)
class ListUploads:
    """`dataset` is what the list is compared with; None where it is not there now, and nothing is compared."""

    lists: Lists
    parts: ListParts
    items: ListItems

    def create(
        self,
        label: ListLabel,
        ids: IdFile,
        dataset: Dataset | None,
        owner_id: int | None,
        visibility: Visibility = Visibility.TEAM,
        *,
        recorded: Recorded = lambda _: None,
    ) -> UploadedList:
        """A new list of a file's values; `recorded` as of `Lists.create`.

        UserError with the first bad rows, no_values, name_taken.
        """
        with self._scratch() as begin:
            written = self._write(ids, begin())
            contents = self._contents(written, begin(), _Before(), label=label, dataset=dataset)
            return self.lists.create(label, contents, owner_id, visibility, recorded=recorded)

    def fill(
        self,
        list_id: int,
        mode: Mode,
        ids: IdFile,
        dataset: Dataset | None,
        recorded: Recorded = lambda _: None,
    ) -> UploadedList:
        """Put a file's values in place of what a list holds, or beside it; `recorded` as of `Lists.create`.

        UserError as of `create`, list_not_found, list_deleted; the list is as it was then.
        """
        with self._scratch() as begin:
            written = self._write(ids, begin())
            for _ in range(_TRIES):
                current = self.lists.get(list_id)
                contents = self._contents(
                    written, begin(), _Before.of(current.contents, mode), label=current.label, dataset=dataset
                )
                if filled := self.lists.fill(list_id, current.version, contents, recorded):
                    return filled
            raise LIST_BUSY.error(id=list_id)

    def sweep(self) -> None:
        """Remove values that no list has any more from ClickHouse: what was replaced, what killed uploads left."""
        if unwanted := self.parts.unwanted():
            self.items.drop(unwanted)
            self.parts.forget(unwanted)

    @contextmanager
    def _scratch(self) -> Iterator[Callable[[], str]]:
        """A way to begin parts; those that no list consists of at the end go."""
        begun: list[str] = []

        def begin() -> str:
            begun.append(self.parts.begin())
            return begun[-1]

        self.sweep()
        try:
            yield begin
        finally:
            try:
                self.parts.discard(begun)
                self.sweep()
            except UserError as error:  # the upload has ended as it has; a later one sweeps
                _log.warning("parts of an upload were left: %s", error)

    def _write(self, ids: IdFile, part: str) -> _Written:
        reading, values = IdReading(ids), 0
        for batch in reading.batches():
            self.items.append(part, batch)
            self.parts.touch(part)
            values += len(batch)
        if not values:
            raise NO_VALUES.error(rows=reading.rows, column=ids.recognised.column)
        if self.items.count([part]) != values:
            raise InternalError(f"{values} values were sent to ClickHouse and others are there")
        return _Written(
            part,
            ids.recognised,
            reading.rows,
            reading.empty,
            reading.empty_lines(),
            values,
            self.items.count_distinct(part),
        )

    def _contents(
        self, written: _Written, part: str, before: _Before, *, label: ListLabel, dataset: Dataset | None
    ) -> Contents:
        """What the list will hold, its new values written to a new `part`."""
        if len(before.parts) < MOST_PARTS:
            self.items.settle(part, of=[written.part], without=before.parts)
            parts = (*before.parts, part)
        else:
            self.items.settle(part, of=[written.part, *before.parts])
            parts = (part,)
        items = self.items.count(parts)
        added = items - before.items
        report = UploadReport(
            mode=before.mode,
            recognised=written.recognised,
            rows=written.rows,
            empty=written.empty,
            empty_lines=written.empty_lines,
            duplicates=written.values - written.distinct,
            already=written.distinct - added,
            added=added,
        )
        kept = parts if added else before.parts
        return Contents(kept, items, self._matched(kept, label, dataset), report)

    def _matched(self, parts: tuple[str, ...], label: ListLabel, dataset: Dataset | None) -> int | None:
        """How many of the values the dataset knows; None where it cannot say."""
        if dataset is None:
            return None
        try:
            return self.items.count_matched(parts, dataset, label.field)
        except UserError as error:
            if error.category is Category.UNAVAILABLE:
                raise
            _log.warning("a list was not compared with %s: %s", dataset.name, error)
            return None
