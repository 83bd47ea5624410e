from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.storage.metadata.current_settings import KEPT_SECONDS, CurrentSettings
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.people_models import InstallationRow

ENVIRONMENT = EffectiveSettings(export_days=9, link_seconds=40)


@pytest.fixture
def installation(database: Database) -> Installation:
    return Installation(database)


def test_nothing_stored_is_the_environment(installation: Installation) -> None:
    assert CurrentSettings(installation, ENVIRONMENT).now() == ENVIRONMENT


def test_a_change_is_seen_within_a_second_and_the_database_asked_no_more_often(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    stored = installation.settings

    def counted() -> Any:
        asked.append(time.monotonic())
        return stored()

    monkeypatch.setattr(installation, "settings", counted)
    current = CurrentSettings(installation, ENVIRONMENT)
    assert current.now().export_days == 9
    installation.set_settings({"export_days": 2}, 0)
    changed = time.monotonic()
    while current.now().export_days != 2:
        time.sleep(0.005)
    assert time.monotonic() - changed < KEPT_SECONDS + 0.2
    assert current.now().link_seconds == 40
    assert len(asked) == 2


def test_a_reading_by_itself_is_of_this_moment(installation: Installation) -> None:
    current = CurrentSettings(installation, ENVIRONMENT)
    current.now()
    installation.set_settings({"export_days": 2}, 0)
    assert current.now().export_days == 9
    assert current.read().export_days == current.now().export_days == 2


def test_a_reading_that_began_earlier_does_not_undo_a_later_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    current, stored = CurrentSettings(installation, ENVIRONMENT), installation.settings
    has_read, go_on = threading.Event(), threading.Event()

    def slow() -> Any:
        found = stored()
        has_read.set()
        assert go_on.wait(10)
        return found

    monkeypatch.setattr(installation, "settings", slow)
    older = threading.Thread(target=current.read)
    older.start()
    assert has_read.wait(10)
    monkeypatch.setattr(installation, "settings", stored)
    installation.set_settings({"export_days": 2}, 0)
    assert current.read().export_days == 2
    go_on.set()
    older.join()
    assert current.last.export_days == 2


def test_what_was_read_last_is_known_where_the_database_does_not_answer(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    current = CurrentSettings(installation, ENVIRONMENT)
    installation.set_settings({"language": "en"}, 0)
    assert current.now().language == "en"
    nowhere = Database(f"sqlite:///{tmp_path_factory.mktemp('gone') / 'no' / 'such.sqlite'}")
    monkeypatch.setattr(installation, "_database", nowhere)
    with pytest.raises(UserError) as error:
        current.read()
    assert error.value.code == "database_unavailable"
    assert current.last.language == "en"
    with pytest.raises(UserError):
        CurrentSettings(Installation(nowhere), ENVIRONMENT).now()
    assert CurrentSettings(Installation(nowhere), ENVIRONMENT).last == ENVIRONMENT


def test_of_two_changes_based_on_one_version_one_is_refused(database: Database, installation: Installation) -> None:
    """Also where both have read that version in the transaction of their change."""
    installation.set_settings({"export_days": 2}, 0)
    both_have_read, outcomes = threading.Barrier(2), []

    def change(days: int) -> None:
        try:
            if not database.is_sqlite:  # which lets one transaction begin at a time
                with database.writing() as session:
                    row = session.get(InstallationRow, 1)
                    assert row is not None
                    assert row.version == 1
                    both_have_read.wait(10)
                    installation.set_settings({"export_days": days}, 1)
            else:
                both_have_read.wait(10)
                installation.set_settings({"export_days": days}, 1)
            outcomes.append(days)
        except UserError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=change, args=(days,)) for days in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = (one for one in outcomes if one != "settings_changed")
    assert len(outcomes) == 2
    assert installation.settings() == ({"export_days": won}, 2)
