"""Settings -> DAGSTER_HOME: the files and the environment that every Dagster process of this installation shares."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from segmentator_dagster.settings import Settings, secret

LOCATION = "segmentator"
POSTGRES_SCHEMA = "dagster"
STORAGE_VARIABLE = "DAGSTER_STORAGE_URL"
# A Unix socket's address holds 104 bytes on macOS, 108 on Linux.
SOCKET_PATH_BYTES = 100
SQLITE = "sqlite"


class UnsafeFolderError(Exception):
    """A folder for sockets belongs to somebody else or is open to others."""


@dataclass(frozen=True, slots=True)
class DagsterHome:
    """Where the Dagster processes of one installation find their files and each other."""

    folder: Path
    sockets: Path

    @property
    def instance_file(self) -> Path:
        return self.folder / "dagster.yaml"

    @property
    def workspace_file(self) -> Path:
        return self.folder / "workspace.yaml"

    @property
    def liveness(self) -> Path:
        return self.folder / "liveness"

    @property
    def pool_socket(self) -> Path:
        return self.sockets / "pool.sock"

    @property
    def code_socket(self) -> Path:
        return self.sockets / "code.sock"


def max_runs(settings: Settings) -> int:
    """Runs in progress at once: they mostly wait for ClickHouse, so twice the workers that are kept ready."""
    return max(2 * settings.run_workers, os.cpu_count() or 1)


def write_home(settings: Settings) -> DagsterHome:
    """Write dagster.yaml and workspace.yaml anew from settings and make the folders. No secret stands in them."""
    folder = settings.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    home = DagsterHome(folder, _socket_folder(folder))
    home.liveness.mkdir(exist_ok=True)
    _write(home.instance_file, _instance(settings, home))
    server = {"socket": str(home.code_socket), "location_name": LOCATION}
    _write(home.workspace_file, {"load_from": [{"grpc_server": server}]})
    return home


def environment(settings: Settings, home: DagsterHome) -> dict[str, str]:
    """What a Dagster process needs in its environment; here stand the secrets that its files only name."""
    variables = {"DAGSTER_HOME": str(home.folder), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    # Lost runs are noticed once a second instead of every five.
    variables["DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS"] = "1"
    if url := postgres_url(settings):
        variables[STORAGE_VARIABLE] = url
    if _bucket(settings):
        variables |= {
            "AWS_DEFAULT_REGION": settings.object_store_region,
            # Checksums beyond the protocol of 2006 are unknown to many S3 servers.
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
            "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        }
        if settings.object_store_access_key_id:
            variables["AWS_ACCESS_KEY_ID"] = settings.object_store_access_key_id.get_secret_value()
        if settings.object_store_secret_access_key:
            variables["AWS_SECRET_ACCESS_KEY"] = settings.object_store_secret_access_key.get_secret_value()
    return variables


def postgres_url(settings: Settings) -> str | None:
    """Address of Dagster's tables in a PostgreSQL schema of their own, or None where storage is SQLite.

    The driver is named: SQLAlchemy 2.1 takes a bare `postgresql://` for psycopg 3 (dagster issue 33958).
    """
    if settings.database_url is None:
        return None
    from sqlalchemy.engine import make_url  # noqa: PLC0415  an installation on SQLite starts without it

    url = make_url(secret(settings.database_url, "database_url"))
    if url.get_backend_name() == SQLITE:
        return None
    given = url.query.get("options", ())
    options = [given] if isinstance(given, str) else list(given)
    search_path = f"-csearch_path={POSTGRES_SCHEMA}"
    url = url.set(drivername="postgresql+psycopg2").update_query_dict({"options": " ".join([*options, search_path])})
    return url.render_as_string(hide_password=False)


def create_schema(settings: Settings) -> None:
    """Make the PostgreSQL schema of Dagster's tables; nothing to do where storage is SQLite."""
    url = postgres_url(settings)
    if url is None:
        return
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.schema import CreateSchema  # noqa: PLC0415

    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(CreateSchema(POSTGRES_SCHEMA, if_not_exists=True))
    finally:
        engine.dispose()


def _instance(settings: Settings, home: DagsterHome) -> dict[str, Any]:
    instance: dict[str, Any] = {
        "run_launcher": {
            "module": "segmentator_dagster.workers.launcher",
            "class": "WarmRunLauncher",
            "config": {"socket": str(home.pool_socket), "liveness": str(home.liveness)},
        },
        "run_coordinator": {
            "module": "segmentator_dagster.workers.coordinator",
            "class": "FastLaneRunCoordinator",
            "config": {
                "max_concurrent_runs": max_runs(settings),
                "dequeue_interval_seconds": 1,  # 0 would spin
                "dequeue_use_threads": True,
                "dequeue_num_workers": 4,
            },
        },
        "run_monitoring": {
            "enabled": True,
            "poll_interval_seconds": 5,
            "start_timeout_seconds": 60,
            "cancel_timeout_seconds": 30,
            "max_runtime_seconds": 6 * 3600,
            # A lost run fails and is retried as a new one, however it was lost; resuming would be a second way.
            "max_resume_run_attempts": 0,
            "free_slots_after_run_end_seconds": 30,
        },
        # A failed asset has retries of its own; these are for a process that was lost.
        "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
        "sensors": {"use_threads": True, "num_workers": 4},
        "retention": {
            "sensor": {"purge_after_days": {"skipped": 2, "success": 30, "failure": 30}},
            "schedule": {"purge_after_days": 30},
        },
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},  # no sign-up form over the pages
        "compute_logs": _compute_logs(settings),
    }
    if postgres_url(settings):
        instance["storage"] = {"postgres": {"postgres_url": {"env": STORAGE_VARIABLE}}}
    return instance


def _compute_logs(settings: Settings) -> dict[str, Any]:
    """Where the output of runs goes: beside the exports in S3, else into the data folder."""
    folder = str(settings.dagster_home / "compute_logs")
    bucket = _bucket(settings)
    if not bucket:
        return {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": folder},
        }
    name, _, prefix = bucket.partition("/")
    config: dict[str, Any] = {
        "bucket": name,
        "prefix": f"{prefix}/dagster".strip("/"),
        "local_dir": folder,
        "skip_empty_files": True,
        "region": settings.object_store_region,
    }
    if settings.object_store_endpoint:
        config["endpoint_url"] = settings.object_store_endpoint
    return {"module": "dagster_aws.s3.compute_log_manager", "class": "S3ComputeLogManager", "config": config}


def _bucket(settings: Settings) -> str | None:
    """`bucket/prefix` of an S3 object store, else None."""
    if settings.object_store_url is None:
        return None
    url = urlsplit(secret(settings.object_store_url, "object_store_url"))
    return (url.netloc + url.path).strip("/") if url.scheme == "s3" else None


def _write(path: Path, content: dict[str, Any]) -> None:
    """As JSON, which YAML contains."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    part.replace(path)


def _socket_folder(home: Path) -> Path:
    """The folder for sockets: the given one, or where its path is too long a private one under the temporary folder."""
    if len(os.fsencode(home / "pool.sock")) <= SOCKET_PATH_BYTES:
        return home
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"segmentator-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700:
        raise UnsafeFolderError(f"{folder} must be a folder that only you can open; remove it and start again")
    return folder
