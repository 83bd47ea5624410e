"""The use cases of uploaded lists: make, fill, read, rename, delete, restore, download."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.api.drafts import clean_name, description_problems, name_problems
from segmentator_dagster.api.list_problems import FIELD_NOT_COMPARABLE, LIST_NOT_COMPARED
from segmentator_dagster.api.rules import Defaults
from segmentator_dagster.api.segments import OWNER
from segmentator_dagster.api.uploads import SpooledFile
from segmentator_dagster.collection.id_file import IdFile
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.field_operators import operators_of
from segmentator_dagster.domain.operators import Test
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, UNKNOWN_FIELD, shown, suggestion
from segmentator_dagster.domain.uploaded_list import ListLabel, Mode, UploadedList
from segmentator_dagster.exports.csv.delimited import header_line
from segmentator_dagster.exports.titles import on_disk
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.references import Dependent, Kind, References

_CSV = "CSV"
_CRLF = {"output_format_csv_crlf_end_of_line": 1}
_HEADER = header_line(["value"])


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A list as it was asked for. `dataset` None means the installation's, `field` None its user key."""

    name: str
    dataset: str | None = None
    field: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """Where the ids are in a file: a column's name, or its number where there is no header."""

    column: str | None = None
    has_header: bool | None = None


@dataclass(frozen=True, slots=True)
class ListView:
    """A list as it is shown: with the segments that use it."""

    list: UploadedList
    used_by: tuple[Dependent, ...]


@dataclass(frozen=True, slots=True)
class CsvDownload:
    file_name: str
    chunks: Iterator[bytes]


class ListService:
    def __init__(
        self,
        uploads: ListUploads,
        references: References,
        catalogue: Callable[[], Catalogue],
        defaults: Defaults,
    ) -> None:
        self._uploads = uploads
        self._lists = uploads.lists
        self._references = references
        self._catalogue = catalogue
        self._defaults = defaults

    def label(self, draft: ListDraft) -> ListLabel:
        """What a new list will be called and compared with; UserError with everything that is wrong with it.

        To be asked before a long file is sent.
        """
        found = [*name_problems(draft.name), *description_problems(draft.description)]
        dataset_name = draft.dataset if draft.dataset is not None else self._defaults.dataset
        try:
            found += _comparison_problems(dataset_name, draft.field, self._catalogue())
        except UserError as error:  # what is wrong already is worth more than that ClickHouse is down
            raise UserError(*found) if found else error from error
        if found:
            raise UserError(*found)
        name = clean_name(draft.name)
        self._lists.refuse_taken(name)
        return ListLabel(name, dataset_name, draft.field, draft.description)

    def create(self, label: ListLabel, file: SpooledFile, choice: ColumnChoice) -> ListView:
        """A new list of the ids in a file; UserError as of `ListUploads.create`."""
        dataset = self._compared_with(label)
        ids = _opened(file, choice, label, dataset)
        return ListView(self._uploads.create(label, ids, dataset, OWNER), ())

    def fill(self, list_id: int, mode: Mode, file: SpooledFile, choice: ColumnChoice) -> ListView:
        """Put the ids of a file in place of what a list holds, or beside it; UserError as of `ListUploads.fill`."""
        label = self._lists.get(list_id).label
        dataset = self._compared_with(label)
        return self._view(self._uploads.fill(list_id, mode, _opened(file, choice, label, dataset), dataset))

    def get(self, list_id: int) -> ListView:
        return self._view(self._lists.get(list_id))

    def page(self, **filters: Any) -> Page[ListView]:
        """The filters are those of `Lists.page`."""
        page = self._lists.page(**filters)
        return Page(self._views(page.items), page.next_cursor)

    def rename(self, list_id: int, name: str | None, description: str | None) -> ListView:
        """Change what is not None."""
        found = list(name_problems(name)) if name is not None else []
        found += description_problems(description) if description is not None else ()
        if found:
            raise UserError(*found)
        return self._view(self._lists.rename(list_id, None if name is None else clean_name(name), description))

    def delete(self, list_id: int) -> None:
        """UserError list_in_use where a live segment refers to it."""
        self._lists.delete(list_id)

    def restore(self, list_id: int) -> ListView:
        return self._view(self._lists.restore(list_id))

    def items(self, list_id: int) -> CsvDownload:
        """All values in their order, as CSV with a header."""
        found = self._lists.get(list_id)
        chunks = self._uploads.items.stream(found.contents.parts, _CSV, _CRLF)
        return _download(on_disk(found.label.name), chunks)

    def unmatched(self, list_id: int) -> CsvDownload:
        """The values that the dataset does not know now, the same way. UserError list_not_compared."""
        found = self._lists.get(list_id)
        dataset = self._compared_with(found.label)
        if dataset is None:
            raise LIST_NOT_COMPARED.error(name=_shown_target(found.label))
        chunks = self._uploads.items.stream_unmatched(found.contents.parts, dataset, found.label.field, _CSV, _CRLF)
        return _download(f"{on_disk(found.label.name)} - unmatched", chunks)

    def _compared_with(self, label: ListLabel) -> Dataset | None:
        """The dataset of a list, None where it or the column is not there now."""
        catalogue = self._catalogue()
        if list(_comparison_problems(label.dataset, label.field, catalogue)):
            return None
        return catalogue.dataset(label.dataset)

    def _view(self, one: UploadedList) -> ListView:
        return self._views([one])[0]

    def _views(self, lists: Iterable[UploadedList]) -> tuple[ListView, ...]:
        shown_lists = tuple(lists)
        dependents = self._references.dependents(Kind.LIST, [one.id for one in shown_lists])
        return tuple(ListView(one, dependents.get(one.id, ())) for one in shown_lists)


def _comparison_problems(dataset_name: str, field_name: str | None, catalogue: Catalogue) -> Iterator[Problem]:
    dataset = catalogue.dataset(dataset_name)
    if dataset is None:
        yield UNKNOWN_DATASET.at("/dataset", name=shown(dataset_name), **suggestion(dataset_name, catalogue.datasets))
        return
    name, pointer = (dataset.user_key, "/dataset") if field_name is None else (field_name, "/field")
    field = dataset.field(name)
    if field is None:
        near = suggestion(name, (one.name for one in dataset.fields))
        yield UNKNOWN_FIELD.at(pointer, dataset=shown(dataset.name), name=shown(name), **near)
    elif field_name is not None and not any(one.test is Test.ON_LIST for one in operators_of(field)):
        yield FIELD_NOT_COMPARABLE.at(pointer, name=shown(name), type=field.clickhouse_type)


def _opened(file: SpooledFile, choice: ColumnChoice, label: ListLabel, dataset: Dataset | None) -> IdFile:
    expected = choice.column or label.field or (dataset.user_key if dataset is not None else "")
    return IdFile.opened(
        file.path, file.kind, column=choice.column, has_header=choice.has_header, expected_column=expected
    )


def _shown_target(label: ListLabel) -> str:
    return shown(label.dataset if label.field is None else f"{label.dataset}.{label.field}")


def _download(name: str, chunks: Iterator[bytes]) -> CsvDownload:
    """Waits for the first chunk: an error before it is still an answer, and no broken file."""
    first = next(chunks, b"")
    return CsvDownload(f"{name}.csv", itertools.chain([_HEADER + first], chunks))
