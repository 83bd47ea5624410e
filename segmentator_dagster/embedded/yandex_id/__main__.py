"""Settings -> the emulator as a process of its own, on loopback, until it is told to end."""

from __future__ import annotations

import sys

import uvicorn

from segmentator_dagster.embedded.yandex_id.app import create_app
from segmentator_dagster.embedded.yandex_id.application import application_of
from segmentator_dagster.embedded.yandex_id.state import YandexId
from segmentator_dagster.settings import EmbeddedSecrets, Settings, SettingsError

LOOPBACK = "127.0.0.1"


def main() -> None:
    """SystemExit with one line where Yandex's own servers are to be used."""
    try:
        given = Settings.given()
        if not given.emulates_yandex_id:
            name = "PRODUCTION" if given.production else "YANDEX_CLIENT_ID"
            sys.exit(f"SEGMENTATOR_{name} is set: people sign in at Yandex ID itself, and the emulator does not start")
        application = application_of(given.completed(EmbeddedSecrets.read_or_create(given.data_dir)))
    except SettingsError as error:
        sys.exit(str(error))
    uvicorn.run(
        create_app(YandexId(application)),
        host=LOOPBACK,
        port=given.yandex_id_port,
        access_log=False,  # codes stand in addresses
        server_header=False,
        ws="none",
        log_level="warning",
    )


if __name__ == "__main__":
    main()
