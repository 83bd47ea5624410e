"""The few pages of the API itself: who you are, and why a sign-in did not work. Values are escaped."""

from __future__ import annotations

from html import escape

from segmentator_dagster.domain.access import Actor
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.people import Role

PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_STYLE = """
:root { color-scheme: light dark; --ground: #f3f4f7; --paper: #fff; --ink: #1b1d23; --faint: #5c6270;
  --line: #d9dce3; --accent: #3d4fc4; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181d; --paper: #20232a; --ink: #eceef3; --faint: #a4abba;
  --line: #3a3f4b; --accent: #93a1ff; --on-accent: #14161c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 24px 16px; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 480px; margin: 8vh auto; padding: 28px; background: var(--paper); border-radius: 16px;
  border: 1px solid var(--line); overflow-wrap: anywhere; }
h1 { margin: 0 0 8px; font-size: 24px; line-height: 1.25; }
p { margin: 8px 0; }
.faint { color: var(--faint); }
nav { display: grid; gap: 8px; margin: 20px 0; }
a { color: var(--accent); }
.button, button { display: inline-block; padding: 12px 20px; border: 1px solid var(--accent); border-radius: 12px;
  background: var(--accent); color: var(--on-accent); font: inherit; font-weight: 600; text-decoration: none;
  cursor: pointer; }
button { background: transparent; color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""
_TEXTS: dict[Language, dict[str, str]] = {
    "ru": {
        "name": "Сегментатор данных",
        "about": "Сегменты аудитории: правило, проверка на данных, файл.",
        "sign_in": "Войти через Яндекс ID",
        "other": "Войти под другим аккаунтом",
        "sign_out": "Выйти",
        "administrator": "администратор",
        "user": "пользователь",
        "docs": "Описание API",
        "dagster": "Dagster: происхождение данных и перезапуски",
        "problem": "Войти не получилось",
        "again": "Начать заново",
    },
    "en": {
        "name": "Segmentator",
        "about": "Audience segments: a rule, a check on the data, a file.",
        "sign_in": "Sign in with Yandex ID",
        "other": "Sign in with another account",
        "sign_out": "Sign out",
        "administrator": "administrator",
        "user": "user",
        "docs": "Description of the API",
        "dagster": "Dagster: lineage and reruns",
        "problem": "Signing in did not work",
        "again": "Begin again",
    },
}


def home_page(actor: Actor | None, language: Language) -> str:
    text = _TEXTS[language]
    if actor is None:
        body = (
            f'<p>{text["about"]}</p><p><a class="button" href="/auth/login">{text["sign_in"]}</a></p>'
            f'<p><a href="/auth/login?other=yes">{text["other"]}</a></p>'
        )
        return _page(text["name"], body, language)
    links = [("/api/v1/docs", text["docs"])]
    if actor.role is Role.ADMINISTRATOR:
        links.append(("/dagster/", text["dagster"]))
    listed = "".join(f'<a href="{path}">{name}</a>' for path, name in links)
    body = (
        f'<p>{escape(actor.name)} <span class="faint">— {text[actor.role.value]}</span></p>'
        f"<nav>{listed}</nav>"
        f'<form method="post" action="/auth/logout"><button>{text["sign_out"]}</button></form>'
    )
    return _page(text["name"], body, language)


def problem_page(message: str, hint: str, language: Language) -> str:
    """Why somebody could not come in; with a way to begin again."""
    text = _TEXTS[language]
    body = (
        f'<p>{escape(message)}</p><p class="faint">{escape(hint)}</p>'
        f'<p><a class="button" href="/auth/login?other=yes">{text["again"]}</a></p>'
    )
    return _page(text["problem"], body, language)


def _page(title: str, body: str, language: Language) -> str:
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n"
    )
