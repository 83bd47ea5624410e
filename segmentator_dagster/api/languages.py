"""Accept-Language of a request, or what the installation says -> the language of its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import Scope

from segmentator_dagster.domain.errors import Language, UserError
from segmentator_dagster.storage.metadata.current_settings import CurrentSettings

DefaultLanguage = Callable[[], Awaitable[Language]]


async def russian() -> Language:
    return "ru"


def default_language_of(current: CurrentSettings) -> DefaultLanguage:
    """That of the settings. Where the database does not answer, the last one known: an error needs a language too."""

    async def default() -> Language:
        try:
            return (await anyio.to_thread.run_sync(current.now)).language
        except UserError:
            return current.last.language

    return default


async def language_of(scope: Scope) -> Language:
    """The language to answer a request in, which has been through `Around`."""
    return named_language(Headers(scope=scope).get("accept-language", "")) or await default_language(scope)


async def default_language(scope: Scope) -> Language:
    """The language of a request that names none."""
    default: DefaultLanguage = scope["state"]["default_language"]
    return await default()


def named_language(accept_language: str) -> Language | None:
    """`ru` or `en` by the weights of an Accept-Language header; None where it names neither or both alike."""
    weights: dict[str, float] = {}
    for name, weight in _weighted(accept_language.split(",")[:20]):
        weights[name] = max(weights.get(name, 0.0), weight)
    anything = weights.get("*", 0.0)
    russian_weight, english_weight = (weights.get(name, anything) for name in ("ru", "en"))
    if english_weight > russian_weight:
        return "en"
    return "ru" if russian_weight > english_weight else None


def _weighted(parts: Iterable[str]) -> Iterable[tuple[str, float]]:
    for part in parts:
        tag, _, parameters = part.partition(";")
        name = tag.strip().lower().split("-")[0]
        _, _, given = parameters.partition("q=")
        try:
            weight = float(given) if given else 1.0
        except ValueError:
            continue
        yield name, weight
