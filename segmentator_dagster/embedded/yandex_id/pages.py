"""What a person sees: the pages of consent, of an error and of the accounts, and a drawn portrait. No scripts."""

from __future__ import annotations

from collections.abc import Iterable

from jinja2 import DictLoader, Environment, StrictUndefined

from segmentator_dagster.domain.errors import Language
from segmentator_dagster.embedded.yandex_id.accounts import Account
from segmentator_dagster.embedded.yandex_id.authorization import Asked, Refusal
from segmentator_dagster.embedded.yandex_id.templates import TEMPLATES
from segmentator_dagster.embedded.yandex_id.texts import SCOPE_TEXTS, TEXTS

_COLOURS = ("#5b6abf", "#27795a", "#a3502a", "#8a4fa3", "#2f6f91", "#a63d5c")
_ENVIRONMENT = Environment(
    loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def language_of(accept_language: str) -> Language:
    """Yandex tells it from the domain; one server for both goes by the first language of the browser."""
    return "en" if accept_language.strip().lower().startswith("en") else "ru"


def consent_page(
    asked: Asked, accounts: Iterable[Account], question: str, chosen: str | None, language: Language
) -> str:
    """Whose account and which rights; `chosen` is the login marked at first."""
    return _page(
        "consent",
        language,
        question=question,
        accounts=list(accounts),
        chosen=chosen,
        needed=[SCOPE_TEXTS[scope][language] for scope in asked.scopes if scope not in asked.optional],
        optional=[(scope, SCOPE_TEXTS[scope][language]) for scope in asked.optional],
        hint=asked.login_hint if asked.login_hint and chosen is None else "",
    )


def refusal_page(refusal: Refusal, language: Language) -> str:
    return _page("refusal", language, refusal=refusal)


def stale_page(language: Language) -> str:
    return _page("stale", language)


def accounts_page(accounts: Iterable[Account], callback: str, language: Language) -> str:
    return _page("accounts", language, accounts=list(accounts), callback=callback)


def portrait(account: Account | None) -> str:
    """The initials on a coloured ground, as SVG; a grey figure for nobody."""
    template = _ENVIRONMENT.get_template("portrait")
    if account is None:
        return template.render(initials="", colour="#9aa0ad")
    names = account.first_name, account.last_name
    initials = "".join(name[0] for name in names if name) or account.login[0].upper()
    return template.render(initials=initials, colour=_COLOURS[int(account.id) % len(_COLOURS)])


def _page(name: str, language: Language, **values: object) -> str:
    template = _ENVIRONMENT.get_template(name)
    return template.render(language=language, text={key: both[language] for key, both in TEXTS.items()}, **values)
