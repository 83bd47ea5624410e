"""An emulator of Yandex ID and a browser before it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.embedded.yandex_requests import CALLBACK
from tests.servers.yandex_id import RunningYandexId, running_yandex_id


@pytest.fixture
def yandex() -> Iterator[RunningYandexId]:
    with running_yandex_id(CALLBACK) as running:
        yield running


@pytest.fixture
def browser(yandex: RunningYandexId) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=yandex.url, trust_env=False) as client:
        yield client
