"""Port, passwords and limits -> the config.xml and users.xml of the embedded ClickHouse."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree as ET

from segmentator_dagster.settings import EmbeddedSecrets

LISTEN_HOST = "127.0.0.1"
SERVER_MEMORY_SHARE = 0.5
READER_MEMORY_BYTES = 4 << 30
READER_RESULT_ROWS = 10_000_000
_FILE_FUNCTION = "CREATE FUNCTION file AS (path) -> throwIf(1, 'the function file() is switched off')\n"
_LONGEST_INTERVAL = (1 << 31) - 1

# What a user may ask the server about tables; `tables` and `columns` hide what the user may not select.
_SYSTEM_TABLES = ("columns", "databases", "one", "parts", "settings", "tables")

# Engines whose tables live in the server itself. Others (URL, File, S3, PostgreSQL) reach outside.
_TABLE_ENGINES = ("MergeTree", "ReplacingMergeTree", "AggregatingMergeTree", "SummingMergeTree", "Memory")

_Node: TypeAlias = "str | int | float | Mapping[str, _Node] | Sequence[_Node]"


@dataclass(frozen=True, slots=True)
class ServerFolders:
    """Where the server keeps what, under the data folder of the installation."""

    data_dir: Path

    @property
    def root(self) -> Path:
        return self.data_dir / "clickhouse"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def functions(self) -> Path:
        return self.root / "functions"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def log(self) -> Path:
        return self.data_dir / "logs" / "clickhouse.log"

    @property
    def console(self) -> Path:
        """What the engine prints to its standard streams, from the last start on."""
        return self.data_dir / "logs" / "clickhouse.console.log"

    def make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.config, self.functions, self.root / "user_files", self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """One embedded server: its port, the two databases its users work in, the reader's longest query."""

    port: int
    database: str = "segmentator"
    data_database: str = "datasets"
    reader_seconds: int = 30


def write_config(folders: ServerFolders, options: ServerOptions, passwords: EmbeddedSecrets) -> None:
    """Write both files anew, readable by their owner only; of the passwords only SHA-256 digests are kept."""
    _write(folders.config / "users.xml", _users(options, passwords))
    _write(folders.config / "config.xml", _server(folders, options))
    # clickhouse-local lets every user read every file by the scalar function file(), whatever the grants and
    # user_files_path say (need_check in src/Functions/FunctionFile.cpp). A SQL function of that name, found in this
    # folder at the start, comes before the built-in one.
    (folders.functions / "function_file.sql").write_text(_FILE_FUNCTION, "utf-8")


def _server(folders: ServerFolders, options: ServerOptions) -> _Node:
    def folder(name: str) -> str:
        return f"{folders.root / name}/"

    return {
        "logger": {
            "level": "warning",
            "log": str(folders.log),
            "size": "10M",
            "count": 3,
        },
        "listen_host": LISTEN_HOST,
        "http_port": options.port,
        "path": folder("data"),
        "tmp_path": folder("tmp"),
        "user_files_path": folder("user_files"),
        "user_defined_path": f"{folders.functions}/",
        "format_schema_path": folder("format_schemas"),
        "users_config": str(folders.config / "users.xml"),
        "max_server_memory_usage_to_ram_ratio": SERVER_MEMORY_SHARE,
        "mark_cache_size": 256 << 20,
        "access_control_improvements": {"select_from_system_db_requires_grant": 1},
        # The one system log that is kept. The others are off as long as they are not named here.
        "query_log": {
            "database": "system",
            "table": "query_log",
            "partition_by": "event_date",
            "ttl": "event_date + INTERVAL 3 DAY",
            "flush_interval_milliseconds": 7500,
        },
    }


def _users(options: ServerOptions, passwords: EmbeddedSecrets) -> _Node:
    read = [
        *(f"SELECT ON {database}.*" for database in (options.data_database, options.database)),
        *(f"SELECT ON system.{table}" for table in _SYSTEM_TABLES),
    ]
    write = [
        f"ALL ON {options.database}.*",
        *(f"TABLE ENGINE ON {engine}" for engine in _TABLE_ENGINES),
        "SELECT ON system.processes",  # shows a user its own queries only, which it may kill
    ]
    return {
        "profiles": {
            "default": {},
            "reader": {
                "readonly": 1,
                "max_execution_time": options.reader_seconds,
                "timeout_overflow_mode": "throw",
                "max_memory_usage": READER_MEMORY_BYTES,
                "max_result_rows": READER_RESULT_ROWS,
                "result_overflow_mode": "throw",
                "cancel_http_readonly_queries_on_client_close": 1,
            },
        },
        "quotas": {"default": {}, "listener": {"interval": {"duration": _LONGEST_INTERVAL, "queries": 2}}},
        "users": {
            "default": _listener(),
            "admin": _user(passwords.clickhouse_admin, "default", None),
            "writer": _user(passwords.clickhouse_writer, "default", [*read, *write]),
            "reader": _user(passwords.clickhouse_reader, "reader", read),
        },
    }


def _user(password: str, profile: str, grants: Sequence[str] | None) -> _Node:
    """Grants of None mean everything."""
    user: dict[str, _Node] = {
        "password_sha256_hex": hashlib.sha256(password.encode()).hexdigest(),
        "networks": {"ip": LISTEN_HOST},
        "profile": profile,
        "quota": "default",
    }
    if grants is not None:
        user["grants"] = {"query": [f"GRANT {grant}" for grant in grants]}
    return user


def _listener() -> _Node:
    """The engine runs its two first statements as `default` without a password, so that user must exist.

    They use up its quota, so that nobody else can do anything as `default`.
    """
    return {
        "password": "",
        "networks": {"ip": LISTEN_HOST},
        "profile": "default",
        "quota": "listener",
        "grants": {"query": ["GRANT SYSTEM LISTEN ON *.*", "GRANT SELECT ON system.numbers"]},
    }


def _write(path: Path, content: _Node) -> None:
    root = ET.Element("clickhouse")
    _fill(root, content)
    ET.indent(root)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        ET.ElementTree(root).write(file, encoding="utf-8", xml_declaration=True)


def _fill(parent: ET.Element, content: _Node) -> None:
    """A mapping becomes child elements, a list one element for each item under the same name."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            for item in value if isinstance(value, list) else [value]:
                _fill(ET.SubElement(parent, name), item)
    else:
        parent.text = str(content)
