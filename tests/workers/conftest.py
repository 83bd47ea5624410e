"""Fixtures: a worker pool in processes of its own, and a Dagster instance that launches into it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from segmentator_dagster.embedded.environment import children_environment
from segmentator_dagster.embedded.instance import DagsterHome, environment, write_home
from segmentator_dagster.settings import Settings
from tests.workers.warm_pool import HERE, Pool, Runs


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for Unix sockets, unlike pytest's own on macOS."""
    folder = Path(tempfile.mkdtemp(prefix="sg-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(short_path: Path) -> Settings:
    return Settings.given(data_dir=short_path / "data")


@pytest.fixture
def home(settings: Settings) -> DagsterHome:
    return write_home(settings)


@pytest.fixture
def stopped_pool(settings: Settings, home: DagsterHome) -> Iterator[Pool]:
    pool = Pool(home, {**children_environment(settings, environment(settings, home)), "PYTHONPATH": str(HERE)})
    yield pool
    pool.stop()


@pytest.fixture
def pool(stopped_pool: Pool) -> Pool:
    stopped_pool.start()
    stopped_pool.wait_until_ready()
    return stopped_pool


@pytest.fixture
def runs(settings: Settings, home: DagsterHome, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Ask for it after the pool, which makes the storage."""
    monkeypatch.chdir(HERE)
    for name, value in environment(settings, home).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.get() as instance:
        yield Runs(instance)
