"""The emulator as a process of its own: the settings' own application, loopback only, never in production."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from segmentator_dagster.embedded.probes import answers_ok
from segmentator_dagster.settings import EmbeddedSecrets, Settings
from tests.embedded.yandex_requests import answer_of
from tests.servers.child import LOOPBACK, free_port, running, until
from tests.servers.yandex_id import consent

COMMAND = (sys.executable, "-m", "segmentator_dagster.embedded.yandex_id")


def environment(tmp_path: Path, **settings: object) -> dict[str, str]:
    given = {f"SEGMENTATOR_{name.upper()}": str(value) for name, value in settings.items()}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATOR_")}
    return {**clean, "SEGMENTATOR_DATA_DIR": str(tmp_path / "data"), **given}


def refused(tmp_path: Path, **settings: object) -> str:
    """What it says and nothing else; it must end with 1."""
    ended = subprocess.run(
        COMMAND, env=environment(tmp_path, **settings), capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def outside_addresses() -> list[str]:
    """This machine's addresses that are not loopback."""
    found = {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    return [address for address in found if not address.startswith("127.")]


def test_the_process_serves_the_settings_own_application_on_loopback_only(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    url = f"http://{LOOPBACK}:{port}"
    with running(COMMAND, log=log, env=environment(tmp_path, yandex_id_port=port, api_port=8123)) as process:
        until(lambda: answers_ok(LOOPBACK, port, "/"), process, log, 30)
        data_dir = tmp_path / "data"
        settings = Settings(data_dir=data_dir, yandex_id_port=port).completed(EmbeddedSecrets.read(data_dir))
        assert settings.yandex_oauth_url == settings.yandex_login_url == url
        assert settings.yandex_client_id
        assert settings.yandex_client_secret
        query = f"response_type=code&client_id={settings.yandex_client_id}"
        with httpx.Client(base_url=url, trust_env=False) as browser:
            page = browser.get(f"/authorize?{query}")
            assert page.text.count('type="radio"') == 4
            back = consent(browser, f"{url}/authorize?{query}", "anna.smirnova")
            assert back.startswith("http://127.0.0.1:8123/auth/callback?")
            form = {"grant_type": "authorization_code", "code": answer_of(back)["code"]}
            client = (settings.yandex_client_id, settings.yandex_client_secret.get_secret_value())
            assert browser.post("/token", data=form, auth=client).status_code == 200
        for address in outside_addresses():
            with socket.socket() as probe:
                probe.settimeout(2)
                assert probe.connect_ex((address, port)) != 0
        process.send_signal(signal.SIGTERM)
        process.wait(5)
    assert log.read_text("utf-8") == ""


def test_production_refuses_the_emulator_in_one_line(tmp_path: Path) -> None:
    line = refused(tmp_path, production="true")
    assert line.startswith("SEGMENTATOR_PRODUCTION")
    assert line.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_an_application_at_yandex_refuses_the_emulator_in_one_line(tmp_path: Path) -> None:
    assert refused(tmp_path, yandex_client_id="ours").startswith("SEGMENTATOR_YANDEX_CLIENT_ID")


@pytest.mark.parametrize(
    ("settings", "name"),
    [({"api_host": "0.0.0.0"}, "API_HOST"), ({"public_url": "https://segments.example.ru"}, "PUBLIC_URL")],
)
def test_an_address_others_can_reach_refuses_the_emulator(tmp_path: Path, settings: dict[str, str], name: str) -> None:
    line = refused(tmp_path, **settings)
    assert line.startswith(f"SEGMENTATOR_{name}: ")
    assert line.count("\n") == 1
