"""Uploaded lists in the metadata database: what they are called and which batches of values they consist of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.access import sees
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.segment import Visibility, search_key
from segmentator_dagster.domain.uploaded_list import Contents, ListLabel, Mode, Recognised, UploadedList, UploadReport
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.list_parts import adopt, retire
from segmentator_dagster.storage.metadata.models import ListRow
from segmentator_dagster.storage.metadata.pages import Page, matching, page_of
from segmentator_dagster.storage.metadata.references import (
    Kind,
    ask_to_check_dependents,
    lock_references,
    refuse_used,
)

LIST_NOT_FOUND = ProblemKind(
    "list_not_found",
    Category.NOT_FOUND,
    en="There is no list {id}.",
    ru="Списка {id} нет.",
    hint_en="`GET /lists` shows those there are.",
    hint_ru="Списки: `GET /lists`.",
)
LIST_DELETED = ProblemKind(
    "list_deleted",
    Category.GONE,
    en="List {id} is deleted.",
    ru="Список {id} удалён.",
    hint_en="`POST /lists/{id}/restore` brings it back.",
    hint_ru="Вернуть его: `POST /lists/{id}/restore`.",
)
LIST_NAME_TAKEN = ProblemKind(
    "name_taken",
    Category.CONFLICT,
    en="Another list is called “{name}”.",
    ru="Список с именем «{name}» уже есть.",
    hint_en="Choose another name; case and spaces do not make a difference.",
    hint_ru="Выберите другое имя; регистр и пробелы не различаются.",
)
LIST_IN_USE = ProblemKind(
    "list_in_use",
    Category.CONFLICT,
    en="List {id} “{name}” is used by segments: {dependents}.",
    ru="Список {id} «{name}» используют сегменты: {dependents}.",
    hint_en="Take it out of their rules first; they are listed in `used_by`.",
    hint_ru="Сначала уберите его из их правил; они перечислены в `used_by`.",
)


Recorded = Callable[[UploadedList], None]


class Lists:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        label: ListLabel,
        contents: Contents,
        owner_id: int | None,
        visibility: Visibility = Visibility.TEAM,
        *,
        recorded: Recorded = lambda _: None,
    ) -> UploadedList:
        """`recorded` is called with the list inside its transaction. UserError name_taken."""
        moment = now()
        try:
            with self._database.writing() as session:
                adopt(session, contents.parts)
                row = ListRow(version=1, owner_id=owner_id, created_at=moment, updated_at=moment, deleted_at=None)
                row.visibility = visibility.value
                row.dataset, row.field = label.dataset, label.field
                _write_label(row, label.name, label.description)
                _write_contents(row, contents)
                session.add(row)
                session.flush()
                made = _list(row)
                recorded(made)
                return made
        except IntegrityError as error:
            raise _name_conflict(error, label.name) from error

    def refuse_taken(self, name: str) -> None:
        """UserError name_taken where a live list is called so."""
        with self._database.reading() as session:
            named = select(ListRow.id).where(ListRow.name_key == search_key(name), ListRow.deleted_at.is_(None))
            if session.scalar(named) is not None:
                raise LIST_NAME_TAKEN.error("/name", name=name)

    def fill(
        self, list_id: int, based_on: int, contents: Contents, recorded: Recorded = lambda _: None
    ) -> UploadedList | None:
        """Make these the contents in one step; None where another upload was there first. `recorded` as of `create`."""
        with self._database.writing() as session:
            row = _live_row(session, list_id, for_update=True)
            if row.version != based_on:
                return None
            adopt(session, set(contents.parts) - set(row.parts))
            retire(session, set(row.parts) - set(contents.parts))
            _write_contents(row, contents)
            row.version += 1
            row.updated_at = now()
            session.flush()
            filled = _list(row)
            recorded(filled)
            return filled

    def get(self, list_id: int, viewer: int | None = None, *, with_deleted: bool = False) -> UploadedList:
        """UserError list_not_found, also where the viewer does not see it; list_deleted unless `with_deleted`."""
        with self._database.reading() as session:
            return _list(_live_row(session, list_id, viewer, with_deleted=with_deleted))

    def share(self, list_id: int, visibility: Visibility, owner_id: int | None) -> UploadedList:
        """Say who sees a list and whose it is."""
        with self._database.writing() as session:
            row = _live_row(session, list_id, with_deleted=True, for_update=True)
            row.visibility, row.owner_id = visibility.value, owner_id
            return _list(row)

    def rename(self, list_id: int, name: str | None, description: str | None) -> UploadedList:
        """Change what is not None. UserError name_taken."""
        try:
            with self._database.writing() as session:
                row = _live_row(session, list_id, for_update=True)
                wanted = (row.name if name is None else name, row.description if description is None else description)
                if wanted != (row.name, row.description):
                    _write_label(row, *wanted)
                    row.updated_at = now()
                session.flush()
                return _list(row)
        except IntegrityError as error:
            raise _name_conflict(error, name or "") from error

    def delete(self, list_id: int, viewer: int | None = None) -> None:
        """Soft: the row and its values stay, the name is free again.

        UserError list_in_use, with the segments that refer to it as `extra["used_by"]`.
        """
        with self._database.writing() as session:
            lock_references(session)
            row = _live_row(session, list_id, for_update=True)
            refuse_used(session, Kind.LIST, list_id, row.name, in_use=LIST_IN_USE, viewer=viewer)
            row.deleted_at = row.updated_at = now()

    def restore(self, list_id: int) -> UploadedList:
        """Undo a deletion; restoring a live list changes nothing. UserError name_taken."""
        name = ""
        try:
            with self._database.writing() as session:
                lock_references(session)
                row = _live_row(session, list_id, with_deleted=True, for_update=True)
                name = row.name
                if row.deleted_at is not None:
                    row.deleted_at = None
                    row.updated_at = now()
                    session.flush()
                    ask_to_check_dependents(session, Kind.LIST, list_id)
                return _list(row)
        except IntegrityError as error:
            raise _name_conflict(error, name) from error

    def page(
        self,
        *,
        search: str = "",
        dataset: str | None = None,
        deleted: bool = False,
        owner: int | None = None,
        viewer: int | None = None,
        sort: str = "-updated_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[UploadedList]:
        """Lists whose name or description contain every word of `search`, one page in a stable order."""
        query = matching(ListRow, search, dataset, viewer, deleted=deleted)
        if owner is not None:
            query = query.where(ListRow.owner_id == owner)
        with self._database.reading() as session:
            return page_of(session, query, ListRow, _list, sort=sort, limit=limit, cursor=cursor)


def _live_row(
    session: Session,
    list_id: int,
    viewer: int | None = None,
    *,
    with_deleted: bool = False,
    for_update: bool = False,
) -> ListRow:
    known = 0 < list_id < 2**31
    # what this transaction read of the row before it had the lock may be old
    row = session.get(ListRow, list_id, with_for_update=for_update, populate_existing=for_update) if known else None
    if row is None or not sees(viewer, row):
        raise LIST_NOT_FOUND.error(id=list_id)
    if row.deleted_at is not None and not with_deleted:
        raise LIST_DELETED.error(id=list_id)
    return row


def _name_conflict(error: IntegrityError, name: str) -> Exception:
    text = str(error.orig)
    return LIST_NAME_TAKEN.error("/name", name=name) if "name_key" in text or "lists_live_name" in text else error


def _write_label(row: ListRow, name: str, description: str) -> None:
    row.name, row.description = name, description
    row.name_key = search_key(name)
    row.search_text = search_key(f"{name}\n{description}")


def _write_contents(row: ListRow, contents: Contents) -> None:
    row.parts = list(contents.parts)
    row.items, row.matched, row.unmatched = contents.items, contents.matched, contents.unmatched
    row.report = asdict(contents.report)


def _list(row: ListRow) -> UploadedList:
    return UploadedList(
        id=row.id,
        label=ListLabel(row.name, row.dataset, row.field, row.description),
        contents=Contents(tuple(row.parts), row.items, row.matched, _report(row.report)),
        version=row.version,
        owner_id=row.owner_id,
        visibility=Visibility(row.visibility),
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def _report(value: dict[str, Any]) -> UploadReport:
    read = {
        "mode": Mode(value["mode"]),
        "recognised": Recognised(**value["recognised"]),
        "empty_lines": tuple(value["empty_lines"]),
    }
    return UploadReport(**{**value, **read})
