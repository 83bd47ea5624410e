"""`python -m docs`: write the pages that are made from the code."""

from __future__ import annotations

import json
from pathlib import Path

from docs.rule_language import rule_language_page
from docs.settings_page import settings_page
from segmentator_dagster.domain.rule_schema import rule_schema

HERE = Path(__file__).parent
GENERATED = {
    "rule-schema.v2.json": lambda: json.dumps(rule_schema(), indent=2, ensure_ascii=False) + "\n",
    "rule-language.md": rule_language_page,
    "settings.md": settings_page,
}

if __name__ == "__main__":
    for name, page in GENERATED.items():
        (HERE / name).write_text(page(), "utf-8")
