"""The logging of a process, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.logs import form_of
from segmentator_dagster.settings import Settings

SETUP = """
import asyncio, gc, logging, sys, threading, warnings
from segmentator_dagster import logs
from segmentator_dagster.settings import Settings
logs.configure(Settings.load())
ours = logging.getLogger("segmentator_dagster.test")
"""
SECRET = "hunter2-hunter2"


def printed(tmp_path: Path, code: str, form: str = "json") -> str:
    variables = {
        "SEGMENTATOR_DATA_DIR": str(tmp_path),
        "SEGMENTATOR_LOG_FORMAT": form,
        "SEGMENTATOR_DATABASE_URL": f"postgresql://app:{SECRET}@db/x",
        "PYTHONIOENCODING": "utf-8",
    }
    command = [sys.executable, "-c", SETUP + code]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=variables)
    assert done.stdout == ""
    return done.stderr


def lines(tmp_path: Path, code: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed(tmp_path, code).splitlines()]


def test_an_event_is_one_json_line_with_what_is_known_of_the_request(tmp_path: Path) -> None:
    code = """
from structlog.contextvars import bound_contextvars
with bound_contextvars(request_id="r-1", person=17):
    ours.info("первая\\nвторая %s", "x")
logging.getLogger("segmentator.api.access").info("request", extra={"method": "GET", "status": 200, "person": None})
"""
    first, second = lines(tmp_path, code)
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "event": "первая\nвторая x",
        "request_id": "r-1",
        "person": 17,
        "level": "info",
        "logger": "segmentator_dagster.test",
    }
    assert (second["event"], second["method"], second["status"], second["person"]) == ("request", "GET", 200, None)
    assert "request_id" not in second


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "code",
    [
        f'ours.warning("cannot reach %s", "{SECRET}")',
        f'ours.warning("no", extra={{"path": ["{SECRET}"]}})',
        f'try:\n  raise ValueError("{SECRET}")\nexcept ValueError:\n  ours.exception("no")',
        f'threading.Thread(target=lambda: print(int("{SECRET}"))).start()',
        f"""
async def main():
    async def lost(): raise ValueError("{SECRET}")
    asyncio.create_task(lost())
    await asyncio.sleep(0.01)
asyncio.run(main())
gc.collect()""",
        f'warnings.warn("{SECRET}")',
        f'class Odd:\n  def __del__(self): raise ValueError("{SECRET}")\nOdd()\ngc.collect()',
        f'logging.getLogger("dagster").error("{SECRET}")',
        f'raise ValueError("{SECRET}")',
    ],
    ids=["message", "field", "exception", "thread", "task", "warning", "finaliser", "dagster", "end"],
)
def test_a_secret_is_taken_out_wherever_it_comes_from(tmp_path: Path, code: str, form: str) -> None:
    text = printed(tmp_path, code, form)
    assert "***" in text
    assert SECRET not in text


def test_what_nobody_caught_is_one_event(tmp_path: Path) -> None:
    (event,) = lines(tmp_path, 'raise ValueError("first\\nsecond")')
    assert event["level"] == "critical"
    assert "Traceback" in event["exception"]
    assert event["exception"].endswith("ValueError: first\nsecond")


def test_libraries_that_log_secrets_stay_silent_whatever_the_level(tmp_path: Path) -> None:
    code = """
import authlib.integrations.starlette_client, clickhouse_connect, httpx2, botocore.session
logging.getLogger().setLevel(logging.DEBUG)
names = "authlib.integrations clickhouse_connect.driver httpx2 httpcore2.http11 botocore.auth urllib3.connectionpool"
for name in names.split():
    logging.getLogger(name).debug("verifier")
    logging.getLogger(name).info("verifier")
ours.debug("below the level of ours")
logging.getLogger("other").debug("heard")
"""
    assert [event["event"] for event in lines(tmp_path, code)] == ["heard"]


def test_configured_twice_an_event_is_one_line(tmp_path: Path) -> None:
    assert len(lines(tmp_path, 'logs.configure(Settings.load())\nours.warning("once")')) == 1


def test_production_writes_json_and_a_trial_lines_to_read() -> None:
    assert form_of(Settings(production=True)) == "json"
    assert form_of(Settings()) == "console"
    assert form_of(Settings(production=True, log_format="console")) == "console"
