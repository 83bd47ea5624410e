"""Settings -> the application that is registered at the emulator: the product itself, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from segmentator_dagster.settings import Settings, secret

SCOPES = ("login:info", "login:email", "login:avatar", "login:default_phone", "login:birthday")
CALLBACK_PATH = "/auth/callback"


@dataclass(frozen=True, slots=True)
class Application:
    """What its owner registered. A `blocked` one is refused with `unauthorized_client` everywhere."""

    client_id: str
    client_secret: str
    callback: str
    scopes: tuple[str, ...] = SCOPES
    blocked: bool = False


def application_of(settings: Settings) -> Application:
    """The product by completed settings; SettingsError where no secret was made yet."""
    return Application(
        client_id=settings.yandex_client_id or "",
        client_secret=secret(settings.yandex_client_secret, "yandex_client_secret"),
        callback=f"{settings.public_url}{CALLBACK_PATH}",
    )
