"""DAGSTER_HOME as Dagster itself reads it; PostgreSQL and S3 where they are real."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.compute_log_manager import ComputeIOType
from dagster._core.workspace.load_target import WorkspaceFileTarget

from segmentator_dagster.embedded.environment import children_environment
from segmentator_dagster.embedded.instance import (
    SOCKET_PATH_BYTES,
    UnsafeFolderError,
    create_schema,
    environment,
    postgres_url,
    write_home,
)
from segmentator_dagster.settings import Settings
from segmentator_dagster.workers.coordinator import FastLaneRunCoordinator
from segmentator_dagster.workers.launcher import WarmRunLauncher

PASSWORD = "p%40ss/word"  # percent-encoded in an address, as it has to be
S3 = {
    "object_store_url": "s3://exports/team/one",
    "object_store_endpoint": "http://127.0.0.1:9",
    "object_store_access_key_id": "the-key",
    "object_store_secret_access_key": "the-secret",
}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sg-"))
    yield folder
    shutil.rmtree(folder)


def test_dagster_accepts_the_files_and_takes_our_launcher_and_lane(data_dir: Path) -> None:
    settings = Settings.given(data_dir=data_dir, run_workers=3)
    home = write_home(settings)
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(home.folder))) as instance:
        assert isinstance(instance.run_launcher, WarmRunLauncher)
        assert isinstance(instance.run_coordinator, FastLaneRunCoordinator)
        assert instance.run_coordinator.get_run_queue_config().max_concurrent_runs >= 6
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert not instance.telemetry_enabled
    (origin,) = WorkspaceFileTarget([str(home.workspace_file)]).create_origins()
    assert origin.location_name == "segmentator"


def test_second_writing_replaces_the_first(data_dir: Path) -> None:
    write_home(Settings.given(data_dir=data_dir, run_workers=1))
    home = write_home(Settings.given(data_dir=data_dir, run_workers=40))
    instance = json.loads(home.instance_file.read_text())
    assert instance["run_coordinator"]["config"]["max_concurrent_runs"] == 80
    assert sorted(path.name for path in home.folder.iterdir()) == ["dagster.yaml", "liveness", "workspace.yaml"]


def test_long_data_folder_moves_the_sockets_to_a_private_short_one(data_dir: Path) -> None:
    home = write_home(Settings.given(data_dir=data_dir / ("long" * 30)))
    try:
        assert len(str(home.pool_socket)) <= SOCKET_PATH_BYTES
        assert home.sockets.stat().st_mode & 0o777 == 0o700
        home.sockets.chmod(0o755)
        with pytest.raises(UnsafeFolderError, match="only you can open"):
            write_home(Settings.given(data_dir=data_dir / ("long" * 30)))
    finally:
        home.sockets.rmdir()


def test_secrets_are_in_the_environment_and_not_in_the_files(data_dir: Path) -> None:
    url = f"postgresql://owner:{PASSWORD}@db/segments?options=-cstatement_timeout%3D5000"
    settings = Settings.given(data_dir=data_dir, database_url=url, **S3)
    home = write_home(settings)
    written = home.instance_file.read_text() + home.workspace_file.read_text()
    for hidden in (PASSWORD, "p@ss/word", "the-secret", "the-key"):
        assert hidden not in written
    variables = environment(settings, home)
    assert variables["AWS_ACCESS_KEY_ID"] == "the-key"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "the-secret"
    assert variables["DAGSTER_STORAGE_URL"].startswith("postgresql+psycopg2://owner:")
    assert "-cstatement_timeout%3D5000" in variables["DAGSTER_STORAGE_URL"]
    assert "search_path%3Ddagster" in variables["DAGSTER_STORAGE_URL"]


def test_compute_logs_lie_beside_the_exports_in_s3(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.given(data_dir=data_dir, **S3)
    home = write_home(settings)
    for name, value in environment(settings, home).items():
        monkeypatch.setenv(name, value)
    with DagsterInstance.from_ref(InstanceRef.from_dir(str(home.folder))) as instance:
        logs = instance.compute_log_manager
        assert type(logs).__name__ == "S3ComputeLogManager"
        assert logs._s3_key(["r1", "step"], ComputeIOType.STDERR) == "team/one/dagster/storage/r1/step.err"


def test_sqlite_needs_no_address_and_no_schema(data_dir: Path) -> None:
    settings = Settings.given(data_dir=data_dir)
    assert postgres_url(settings) is None
    assert postgres_url(settings.completed(None)) is None
    create_schema(settings)


def test_children_have_the_settings_as_given_and_write_compiled_files(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.chdir(data_dir)
    given = Settings.given(data_dir=Path("here"), api_port=8123, database_url=f"postgresql://o:{PASSWORD}@db/segments")
    for name, value in children_environment(given, {"DAGSTER_HOME": "/home"}).items():
        monkeypatch.setenv(name, value)
    assert Settings.given() == given.model_copy(update={"data_dir": data_dir.resolve() / "here"})
    monkeypatch.undo()
    variables = children_environment(given, {"DAGSTER_HOME": "/home"})
    assert "PYTHONDONTWRITEBYTECODE" not in variables
    assert {"127.0.0.1", "localhost"} <= set(variables["NO_PROXY"].split(","))
