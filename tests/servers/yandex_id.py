"""The emulator of Yandex ID in a thread, and a browser's way through its pages."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from urllib.parse import urljoin

import httpx
import uvicorn

from segmentator_dagster.embedded.yandex_id.accounts import ACCOUNTS, ODD_ACCOUNTS, Account
from segmentator_dagster.embedded.yandex_id.app import create_app
from segmentator_dagster.embedded.yandex_id.application import Application
from segmentator_dagster.embedded.yandex_id.state import YandexId
from tests.servers.child import LOOPBACK

CLIENT_ID = "segmentator-emulated"
CLIENT_SECRET = "emulated-secret-of-thirty-two-bytes-and-more"


@dataclass(frozen=True, slots=True)
class RunningYandexId:
    """`url` is both `SEGMENTATOR_YANDEX_OAUTH_URL` and `…_LOGIN_URL`; `state` may be changed while it runs."""

    url: str
    state: YandexId


@contextmanager
def running_yandex_id(
    callback: str,
    *,
    client_id: str = CLIENT_ID,
    client_secret: str = CLIENT_SECRET,
    accounts: Iterable[Account] = (*ACCOUNTS, *ODD_ACCOUNTS),
) -> Iterator[RunningYandexId]:
    """On a free port. `callback` is the one redirect URI registered, `<public_url>/auth/callback`."""
    state = YandexId(Application(client_id, client_secret, callback), accounts)
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(create_app(state), log_level="critical", ws="none", timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, args=([listener],), name="yandex id")
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise RuntimeError("the emulator of Yandex ID did not start")
                time.sleep(0.01)
            yield RunningYandexId(f"http://{LOOPBACK}:{listener.getsockname()[1]}", state)
        finally:
            server.should_exit = True
            thread.join()


def consent(
    client: httpx.Client, authorize_url: str, login: str, *, deny: bool = False, keep_back: Iterable[str] = ()
) -> str:
    """Choose this account and allow or deny, as a browser would; the callback that it leads to, not opened.

    `keep_back` are optional scopes not to give.
    The page is asked for even where this browser was here before. AssertionError with the page where it is no question.
    """
    page = client.get(httpx.URL(authorize_url).copy_merge_params({"force_confirm": "yes"}), follow_redirects=False)
    if page.is_redirect:  # a blocked application
        return page.headers["location"]
    assert page.status_code == 200, page.text
    offered = _values(page.text, "login")
    assert login in offered, f"{login} is not one of {offered}"
    kept = [scope for scope in _values(page.text, "scope") if scope not in set(keep_back)]
    (question,) = _values(page.text, "question")
    (action,) = re.findall(r'<form method="post" action="([^"]+)"', page.text)
    form = {"question": question, "login": login, "scope": kept, "answer": "deny" if deny else "allow"}
    answer = client.post(urljoin(str(page.url), unescape(action)), data=form, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def _values(html: str, name: str) -> list[str]:
    """The values of the inputs of this name."""
    return [unescape(value) for value in re.findall(rf'<input [^>]*name="{name}" value="([^"]*)"', html)]
