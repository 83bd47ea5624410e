"""The use cases of uploaded lists: make, fill, read, rename, delete, restore, download."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.api.drafts import clean_name, description_problems, name_problems
from segmentator_dagster.api.list_problems import FIELD_NOT_COMPARABLE, LIST_NOT_COMPARED
from segmentator_dagster.api.ownership import Named, named, sharing_entry, wanted_sharing
from segmentator_dagster.api.uploads import SpooledFile
from segmentator_dagster.collection.id_file import IdFile
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.audit import Event, Thing
from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.data_access import narrowed
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.field_operators import operators_of
from segmentator_dagster.domain.operators import Test
from segmentator_dagster.domain.problems import FIELD_MASKED, UNKNOWN_DATASET, UNKNOWN_FIELD, shown, suggestion
from segmentator_dagster.domain.segment import Visibility
from segmentator_dagster.domain.uploaded_list import ListLabel, Mode, UploadedList
from segmentator_dagster.exports.csv.delimited import header_line
from segmentator_dagster.exports.titles import on_disk
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.people import People
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
    """A list as it is shown: whose it is, and the segments that use it."""

    list: UploadedList
    owner: Named | None
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
        *,
        people: People,
        audit: Audit,
        default_dataset: str,
    ) -> None:
        self._uploads = uploads
        self._lists = uploads.lists
        self._references = references
        self._catalogue = catalogue
        self._people = people
        self._audit = audit
        self._default_dataset = default_dataset

    def label(self, actor: Actor, draft: ListDraft) -> ListLabel:
        """What a new list will be called and compared with; UserError with everything that is wrong with it.

        To be asked before a long file is sent.
        """
        require(actor, Action.LISTS_CHANGE)
        found = [*name_problems(draft.name), *description_problems(draft.description)]
        dataset_name = draft.dataset if draft.dataset is not None else self._default_dataset
        try:
            found += _comparison_problems(dataset_name, draft.field, narrowed(self._catalogue(), actor.access))
        except UserError as error:  # what is wrong already is worth more than that ClickHouse is down
            raise UserError(*found) if found else error from error
        if found:
            raise UserError(*found)
        name = clean_name(draft.name)
        self._lists.refuse_taken(name)
        return ListLabel(name, dataset_name, draft.field, draft.description)

    def create(
        self,
        actor: Actor,
        label: ListLabel,
        file: SpooledFile,
        choice: ColumnChoice,
        visibility: Visibility = Visibility.PRIVATE,
    ) -> ListView:
        """A new list of the ids in a file; UserError as of `ListUploads.create`."""
        require(actor, Action.LISTS_CHANGE)
        dataset = self._compared_with(actor, label)
        ids = _opened(file, choice, label, dataset)

        def recorded(made: UploadedList) -> None:
            self._audit.write(actor, Event.LIST_CREATE, _thing(made), after={**_entry(made), **sharing_entry(made)})

        return self._view(
            actor, self._uploads.create(label, ids, dataset, actor.person_id, visibility, recorded=recorded)
        )

    def fill(self, actor: Actor, list_id: int, mode: Mode, file: SpooledFile, choice: ColumnChoice) -> ListView:
        """Put the ids of a file in place of what a list holds, or beside it; UserError as of `ListUploads.fill`."""
        before = self.own(actor, list_id)
        dataset = self._compared_with(actor, before.label)

        def recorded(filled: UploadedList) -> None:
            after = {**_entry(filled), "mode": mode.value}
            self._audit.write(actor, Event.LIST_FILL, _thing(filled), before=_entry(before), after=after)

        ids = _opened(file, choice, before.label, dataset)
        return self._view(actor, self._uploads.fill(list_id, mode, ids, dataset, recorded))

    def get(self, actor: Actor, list_id: int) -> ListView:
        require(actor, Action.LISTS_READ)
        return self._view(actor, self._lists.get(list_id, actor.viewer))

    def own(self, actor: Actor, list_id: int, *, with_deleted: bool = False) -> UploadedList:
        """A list that the actor may change; UserError list_not_found, list_deleted, not_yours."""
        found = self._lists.get(list_id, actor.viewer, with_deleted=with_deleted)
        require(actor, Action.LISTS_CHANGE, found)
        return found

    def page(self, actor: Actor, **filters: Any) -> Page[ListView]:
        """The filters are those of `Lists.page`."""
        require(actor, Action.LISTS_READ)
        page = self._lists.page(**filters, viewer=actor.viewer)
        return Page(self._views(actor, page.items), page.next_cursor)

    def share(self, actor: Actor, list_id: int, visibility: Visibility | None, owner_id: int | None) -> ListView:
        """Say who sees it, and whose it is; UserError as of `wanted_sharing`."""
        current = self.own(actor, list_id)
        wanted = wanted_sharing(actor, current, visibility, owner_id, self._people)
        with self._audit.doing(actor, Event.LIST_SHARE) as note:
            shared = self._lists.share(list_id, *wanted)
            note.thing, note.before, note.after = _thing(shared), sharing_entry(current), sharing_entry(shared)
        return self._view(actor, shared)

    def rename(self, actor: Actor, list_id: int, name: str | None, description: str | None) -> ListView:
        """Change what is not None."""
        found = list(name_problems(name)) if name is not None else []
        found += description_problems(description) if description is not None else ()
        if found:
            raise UserError(*found)
        before = self.own(actor, list_id)
        with self._audit.doing(actor, Event.LIST_CHANGE) as note:
            renamed = self._lists.rename(list_id, None if name is None else clean_name(name), description)
            note.thing, note.before, note.after = _thing(renamed), _entry(before), _entry(renamed)
            note.skip = note.before == note.after
        return self._view(actor, renamed)

    def delete(self, actor: Actor, list_id: int) -> None:
        """UserError list_in_use where a live segment refers to it."""
        before = self.own(actor, list_id)
        with self._audit.doing(actor, Event.LIST_DELETE) as note:
            self._lists.delete(list_id, actor.viewer)
            note.thing, note.before = _thing(before), _entry(before)

    def restore(self, actor: Actor, list_id: int) -> ListView:
        before = self.own(actor, list_id, with_deleted=True)
        with self._audit.doing(actor, Event.LIST_RESTORE) as note:
            restored = self._lists.restore(list_id)
            note.thing, note.skip = _thing(restored), before.deleted_at is None
        return self._view(actor, restored)

    def items(self, actor: Actor, list_id: int) -> CsvDownload:
        """All values in their order, as CSV with a header."""
        found = self._downloaded(actor, list_id)
        chunks = self._uploads.items.stream(found.contents.parts, _CSV, _CRLF)
        return _download(on_disk(found.label.name), chunks)

    def unmatched(self, actor: Actor, list_id: int) -> CsvDownload:
        """The values that the dataset does not know now, the same way. UserError list_not_compared."""
        found = self._downloaded(actor, list_id)
        dataset = self._compared_with(actor, found.label)
        if dataset is None:
            raise LIST_NOT_COMPARED.error(name=_shown_target(found.label))
        chunks = self._uploads.items.stream_unmatched(found.contents.parts, dataset, found.label.field, _CSV, _CRLF)
        return _download(f"{on_disk(found.label.name)} - unmatched", chunks)

    def _compared_with(self, actor: Actor, label: ListLabel) -> Dataset | None:
        """The dataset of a list, None where it or the column is not there now for whoever asks: what their values are
        compared with, they learn of."""
        catalogue = narrowed(self._catalogue(), actor.access)
        if list(_comparison_problems(label.dataset, label.field, catalogue)):
            return None
        return catalogue.dataset(label.dataset)

    def _downloaded(self, actor: Actor, list_id: int) -> UploadedList:
        require(actor, Action.EXPORTS_DOWNLOAD)
        found = self._lists.get(list_id, actor.viewer)
        self._audit.write(actor, Event.LIST_DOWNLOAD, _thing(found))
        return found

    def _view(self, actor: Actor, one: UploadedList) -> ListView:
        return self._views(actor, [one])[0]

    def _views(self, actor: Actor, lists: Iterable[UploadedList]) -> tuple[ListView, ...]:
        shown_lists = tuple(lists)
        dependents = self._references.dependents(Kind.LIST, [one.id for one in shown_lists], actor.viewer)
        names = self._people.names({one.owner_id for one in shown_lists})
        return tuple(ListView(one, named(one.owner_id, names), dependents.get(one.id, ())) for one in shown_lists)


def _thing(one: UploadedList) -> Thing:
    return Thing("list", str(one.id), one.label.name)


def _entry(one: UploadedList) -> dict[str, Any]:
    """What the audit log says of a list: never its values."""
    label = one.label
    return {
        "version": one.version,
        "name": label.name,
        "description": label.description,
        "dataset": label.dataset,
        "field": label.field,
        "items": one.contents.items,
    }


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
    elif field.masked:
        yield FIELD_MASKED.at(pointer, name=shown(name))
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
