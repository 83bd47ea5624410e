"""The pages as Jinja templates; values are escaped."""

from __future__ import annotations

_STYLE = """
:root { color-scheme: light dark; --ground: #f3f4f7; --paper: #fff; --ink: #1b1d23; --faint: #5c6270;
  --line: #d9dce3; --accent: #3d4fc4; --on-accent: #fff; --mark: #eef0fb; --warn: #a3262a; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181d; --paper: #20232a; --ink: #eceef3; --faint: #a4abba;
  --line: #3a3f4b; --accent: #93a1ff; --on-accent: #14161c; --mark: #2a2f45; --warn: #ff9a9a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; padding: 24px 16px; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 440px; margin: 4vh auto; padding: 28px; background: var(--paper); border-radius: 16px;
  border: 1px solid var(--line); overflow-wrap: anywhere; }
.badge { display: inline-block; margin: 0; padding: 2px 10px; border-radius: 999px; background: var(--mark);
  color: var(--accent); font-size: 13px; font-weight: 600; }
h1 { margin: 14px 0 6px; font-size: 24px; line-height: 1.25; }
p { margin: 8px 0; }
.faint { color: var(--faint); font-size: 14px; }
.warn { color: var(--warn); font-size: 14px; }
fieldset { margin: 20px 0 0; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin-bottom: 8px; font-weight: 600; }
.people { margin: 0; padding: 0; list-style: none; }
.person { display: flex; gap: 12px; align-items: center; padding: 10px 12px; margin-bottom: 8px;
  border: 1px solid var(--line); border-radius: 12px; }
label.person { cursor: pointer; }
label.person:hover, label.person:has(input:checked) { background: var(--mark); border-color: var(--accent); }
.portrait { flex: none; width: 40px; height: 40px; border-radius: 50%; }
.words { min-width: 0; flex: 1; line-height: 1.35; }
.words span { display: block; }
.words .faint { font-size: 13px; }
input { flex: none; width: 18px; height: 18px; margin: 0; accent-color: var(--accent); }
ul.rights { margin: 4px 0 0; padding-left: 20px; font-size: 14px; }
.right { display: flex; gap: 10px; align-items: center; padding: 4px 0; font-size: 14px; }
.buttons { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 24px; }
button { flex: 1 1 auto; padding: 12px 16px; border: 1px solid var(--line); border-radius: 12px;
  background: transparent; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button.first { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
code { font-size: 14px; }
"""

_FRAME = (
    """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{ text.title }}</title>
<style>"""
    + _STYLE
    + """</style>
</head>
<body>
<main>
<p class="badge">{{ text.badge }}</p>
{% block main %}{% endblock %}
</main>
</body>
</html>
"""
)

_WORDS = """
{% macro words(account, language) %}
<img class="portrait" src="/get-yapic/{{ account.avatar_id }}/islands-200" alt="" width="40" height="40">
<span class="words">
<span>{{ account.display_name }}</span>
<span class="faint">{{ account.login }}</span>
{% set note = account.note_ru if language == "ru" else account.note_en %}
{% if note %}<span class="faint">{{ note }}</span>{% endif %}
</span>
{% endmacro %}
"""

_CONSENT = """{% extends "frame" %}
{% from "words" import words %}
{% block main %}
<h1>{{ text.sign_in }}</h1>
<p class="faint">{{ text.about }}</p>
<form method="post" action="/authorize" autocomplete="off">
<input type="hidden" name="question" value="{{ question }}">
<fieldset>
<legend>{{ text.whose }}</legend>
{% if hint %}<p class="warn" role="status">{{ text.no_such_login.format(login=hint) }}</p>{% endif %}
{% for account in accounts %}
<label class="person">
<input type="radio" name="login" value="{{ account.login }}" required{{ " checked" if account.login == chosen }}>
{{ words(account, language) }}
</label>
{% endfor %}
</fieldset>
{% if needed %}
<fieldset>
<legend>{{ text.rights }}</legend>
<ul class="rights">
{% for right in needed %}
<li>{{ right }}</li>
{% endfor %}
</ul>
</fieldset>
{% endif %}
{% if optional %}
<fieldset>
<legend>{{ text.optional_rights }}</legend>
{% for scope, right in optional %}
<label class="right"><input type="checkbox" name="scope" value="{{ scope }}" checked> {{ right }}</label>
{% endfor %}
</fieldset>
{% endif %}
<div class="buttons">
<button class="first" name="answer" value="allow">{{ text.allow }}</button>
<button name="answer" value="deny" formnovalidate>{{ text.deny }}</button>
</div>
</form>
{% endblock %}
"""

_REFUSAL = """{% extends "frame" %}
{% block main %}
<h1>{{ text.refused }}</h1>
<p>{{ text.refused_more }}</p>
<p><code>{{ refusal.parameter }}</code>: {% if refusal.value is none %}{{ text.nothing_given }}
{%- else %}<code>{{ refusal.value }}</code>{% endif %}</p>
<p class="faint"><code>{{ refusal.code }}</code></p>
{% endblock %}
"""

_STALE = """{% extends "frame" %}
{% block main %}
<h1>{{ text.stale }}</h1>
<p>{{ text.stale_more }}</p>
{% endblock %}
"""

_ACCOUNTS = """{% extends "frame" %}
{% from "words" import words %}
{% block main %}
<h1>{{ text.accounts }}</h1>
<p class="faint">{{ text.about }}</p>
<ul class="people">
{% for account in accounts %}
<li class="person">{{ words(account, language) }}</li>
{% endfor %}
</ul>
<p class="faint">{{ text.accounts_more }} <code>{{ callback }}</code></p>
{% endblock %}
"""

_PORTRAIT = """<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200" viewBox="0 0 200 200">
<rect width="200" height="200" fill="{{ colour }}"/>
{% if initials %}
<text x="100" y="100" dy=".36em" text-anchor="middle" font-family="system-ui, sans-serif" font-size="80" \
font-weight="600" fill="#fff">{{ initials }}</text>
{% else %}
<circle cx="100" cy="78" r="36" fill="#fff"/>
<ellipse cx="100" cy="190" rx="68" ry="64" fill="#fff"/>
{% endif %}
</svg>
"""

TEMPLATES = {
    "frame": _FRAME,
    "words": _WORDS,
    "consent": _CONSENT,
    "refusal": _REFUSAL,
    "stale": _STALE,
    "accounts": _ACCOUNTS,
    "portrait": _PORTRAIT,
}
