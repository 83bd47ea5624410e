"""What the workers take from Dagster beyond its public interface; a new version that moves it fails here by name."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path

from dagster import DagsterInstance
from dagster._cli import api
from dagster._core.events import RunFailureReason
from dagster._core.instance.ref import InstanceRef
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator
from dagster._serdes import ConfigurableClassData
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage
from dagster_postgres.utils import create_pg_engine


def test_dagster_is_the_minor_version_that_this_was_written_for() -> None:
    assert version("dagster").split(".")[:2] == ["1", "13"]


def test_commands_that_execute_and_resume_a_run_take_what_we_give() -> None:
    expected = ["run_id", "instance", "write_stream_fn", "set_exit_code_on_failure"]
    for body in (api._execute_run_command_body, api._resume_run_command_body):
        assert list(inspect.signature(body).parameters) == expected


def test_postgres_storages_hold_their_engine_where_we_replace_it() -> None:
    assert list(inspect.signature(create_pg_engine).parameters) == ["postgres_url", "token_provider", "engine_kwargs"]
    for storage in (PostgresRunStorage, PostgresEventLogStorage):
        assert "self._engine = create_pg_engine(" in inspect.getsource(storage)
        assert "self._engine" in inspect.getsource(
            storage._connect if hasattr(storage, "_connect") else storage.connect
        )


def test_instance_reference_names_the_module_of_each_class(tmp_path: Path) -> None:
    parts = [part for part in InstanceRef.from_dir(str(tmp_path)) if isinstance(part, ConfigurableClassData)]
    assert {part.module_name for part in parts} >= {"dagster._core.storage.sqlite_storage"}


def test_queue_leaves_submitting_to_a_subclass() -> None:
    assert list(inspect.signature(QueuedRunCoordinator.submit_run).parameters) == ["self", "context"]
    assert list(inspect.signature(DagsterInstance.launch_run).parameters) == ["self", "run_id", "workspace"]


def test_lost_worker_has_a_reason_that_run_retries_take_up() -> None:
    assert RunFailureReason.UNEXPECTED_TERMINATION.value
