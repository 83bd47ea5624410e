"""What the README says is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.settings import Settings

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.ru.md"]


def settings_table(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `(SEGMENTATOR_\w+)` \| (.*?) \|", text, re.MULTILINE))


def shown(default: object) -> str:
    return "" if default is None else f"`{default}`"


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_table_with_its_default(name: str) -> None:
    expected = {f"SEGMENTATOR_{key.upper()}": shown(field.default) for key, field in Settings.model_fields.items()}
    assert settings_table((ROOT / name).read_text("utf-8")) == expected


def test_the_english_table_has_the_descriptions_of_the_code() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for key, field in Settings.model_fields.items():
        assert f"| `SEGMENTATOR_{key.upper()}` | {shown(field.default)} | {field.description} |" in text


@pytest.mark.parametrize("name", READMES)
def test_every_make_command_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = set(re.findall(r"make (up|test|check|benchmark|clean)\b", (ROOT / name).read_text("utf-8")))
    assert {"up", "test"} <= commands
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


@pytest.mark.parametrize("name", READMES)
def test_every_operator_is_named(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    (listed,) = re.findall(r"`(= != <[^`]*)`", text)
    assert set(listed.split()) == set(OPERATORS)


@pytest.mark.parametrize("name", READMES)
def test_it_is_short(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= 150
