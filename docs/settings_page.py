"""The settings -> their page."""

from __future__ import annotations

from segmentator_dagster.settings import Settings

_HEAD = """# Settings

Environment variables. Unset addresses mean the embedded part. Made from the code by `make docs`.

| variable | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append(f"| `SEGMENTATOR_{name.upper()}` | {default} | {field.description} |\n")
    return _HEAD + "".join(rows)
