from __future__ import annotations

from functools import partial

import pytest

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.installation import Installation
from tests.parallel import in_parallel
from tests.storage.referring import refusal


@pytest.fixture
def installation(database: Database) -> Installation:
    return Installation(database)


def test_nothing_is_set_at_first(installation: Installation) -> None:
    assert installation.access() == AccessLayer()
    assert installation.settings() == ({}, 0)


def test_access_reads_back_as_it_was_set_and_leaves_the_settings(installation: Installation) -> None:
    layer = AccessLayer.model_validate({"fields": {"d": {"mail": "masked"}}, "sensitive": "hidden", "max_rows": 5})
    installation.set_settings({"a": 1}, 0)
    installation.set_access(layer)
    assert installation.access() == layer
    assert installation.settings() == ({"a": 1}, 1)
    installation.set_access(AccessLayer())
    assert installation.access() == AccessLayer()


def test_settings_read_back_and_leave_the_access(installation: Installation) -> None:
    installation.set_access(AccessLayer(may_export=False))
    assert installation.set_settings({"keep": {"days": 3}}, 0) == 1
    assert installation.set_settings({"zone": "Asia/Omsk"}, 1) == 2
    assert installation.settings() == ({"zone": "Asia/Omsk"}, 2)
    assert installation.access() == AccessLayer(may_export=False)


@pytest.mark.parametrize("based_on", [0, 2, -1])
def test_a_change_of_settings_based_on_another_version_is_refused(installation: Installation, based_on: int) -> None:
    installation.set_settings({"a": 1}, 0)
    error = refusal(partial(installation.set_settings, {"a": 2}, based_on))
    assert (error.code, error.problems[0].pointer) == ("settings_changed", "/version")
    assert installation.settings() == ({"a": 1}, 1)


@pytest.mark.parametrize("made_before", [False, True])
def test_of_changes_that_meet_exactly_one_wins(installation: Installation, made_before: bool) -> None:
    if made_before:
        installation.set_access(AccessLayer())
    outcomes = in_parallel(*[partial(installation.set_settings, {"n": n}, 0) for n in range(6)])
    assert sorted(outcomes) == ["done"] + ["settings_changed"] * 5
    assert installation.settings() == ({"n": outcomes.index("done")}, 1)


def test_settings_and_access_that_are_set_at_once_for_the_first_time_are_both_there(installation: Installation) -> None:
    layer = AccessLayer(may_export=False)
    outcomes = in_parallel(partial(installation.set_access, layer), partial(installation.set_settings, {"a": 1}, 0))
    assert outcomes == ["done", "done"]
    assert (installation.access(), installation.settings()) == (layer, ({"a": 1}, 1))
