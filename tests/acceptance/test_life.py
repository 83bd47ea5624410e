"""Starting, stopping and starting again, as the README says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.acceptance.conftest import IOS
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.acceptance


def test_a_second_start_keeps_segments_and_files_and_a_stop_leaves_no_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", {})
    stack.start()
    try:
        segment = stack.create("остаётся", IOS)
        before = stack.file_of(stack.ended(stack.export(segment["id"], "csv")[0]["id"]))
        stack.stop()
        stack.start()
        kept = stack.call("GET", f"/segments/{segment['id']}")
        assert kept["name"] == "остаётся"
        assert stack.file_of(kept["last_export"]) == before
        again = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
        assert again["rows"] == kept["last_export"]["rows"]
    finally:
        stack.stop()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", {})
    with socket.create_server(("127.0.0.1", stack.api_port)):
        ended = stack.command("up")
    assert ended.returncode == 1
    assert "Traceback" not in ended.stdout + ended.stderr
    (line,) = (ended.stdout + ended.stderr).strip().splitlines()
    assert str(stack.api_port) in line
    assert "SEGMENTATOR_API_PORT" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGMENTATOR_API_PORT", "eighty"),
        ("SEGMENTATOR_API_HOST", "0.0.0.0"),
        ("SEGMENTATOR_OBJECT_STORE_URL", "ftp://x"),
        ("SEGMENTATOR_TIME_ZONE", "Mars/Olympus"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    ended = Stack(tmp_path / "data", {name: value}).command("up")
    assert ended.returncode == 1
    (line,) = (ended.stdout + ended.stderr).strip().splitlines()
    assert line.startswith(f"{name}: ")
