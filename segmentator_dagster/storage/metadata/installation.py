"""What administrators set for everybody: one row, read by every process when it needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.people_models import InstallationRow

SETTINGS_CHANGED = ProblemKind(
    "settings_changed",
    Category.CONFLICT,
    en="The settings were changed meanwhile: your change is based on version {given}, the current one is {current}.",
    ru="Настройки тем временем изменили: ваша правка основана на версии {given}, текущая — {current}.",
    hint_en="Read the settings again and repeat the change.",
    hint_ru="Прочитайте настройки заново и повторите правку.",
)
_ONLY = 1


class Installation:
    def __init__(self, database: Database) -> None:
        self._database = database

    def access(self) -> AccessLayer:
        """What everybody may see of the data."""
        with self._database.reading() as session:
            row = session.get(InstallationRow, _ONLY)
            return AccessLayer.model_validate(row.access if row else {})

    def set_access(self, layer: AccessLayer) -> None:
        with self._database.writing() as session:
            self._row(session).access = layer.as_json()

    def settings(self) -> tuple[Mapping[str, Any], int]:
        """The document of what is set, over what the environment says, and its version; ({}, 0) at first."""
        with self._database.reading() as session:
            row = session.get(InstallationRow, _ONLY)
            return (dict(row.settings), row.version) if row else ({}, 0)

    def set_settings(self, document: Mapping[str, Any], based_on: int) -> int:
        """Gives the new version. UserError settings_changed where `based_on` is old."""
        with self._database.writing() as session:
            row = self._row(session)
            if row.version != based_on:
                raise SETTINGS_CHANGED.error("/version", given=based_on, current=row.version)
            row.settings, row.version, row.updated_at = dict(document), based_on + 1, now()
            return row.version

    def _row(self, session: Session) -> InstallationRow:
        # what this transaction has read before is read again: only now nobody else can change it
        row = session.get(InstallationRow, _ONLY, with_for_update=True, populate_existing=True)
        if row is not None:
            return row
        try:
            with session.begin_nested():
                row = InstallationRow(id=_ONLY, settings={}, access={}, version=0, updated_at=now())
                session.add(row)
        except IntegrityError:  # somebody else made it at the same moment
            row = session.get(InstallationRow, _ONLY, with_for_update=True, populate_existing=True)
            if row is None:
                raise
        return row
