"""What the README says is what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from segmentator_dagster.api.app import create_app
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.settings import Settings

ROOT = Path(__file__).parents[2]
READMES = ["README.md", "README.ru.md"]


@pytest.mark.parametrize("name", READMES)
def test_every_setting_it_names_is_one(name: str) -> None:
    known = {f"SEGMENTATOR_{key.upper()}" for key in Settings.model_fields}
    named = set(re.findall(r"SEGMENTATOR_[A-Z_]+", (ROOT / name).read_text("utf-8")))
    assert named
    assert named <= known


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", READMES)
def test_its_export_options_are_options(name: str) -> None:
    examples = re.findall(r'"export": (\{.*\})[`,}]', (ROOT / name).read_text("utf-8"))
    assert len(examples) == 3
    for example in examples:
        options, _ = json.JSONDecoder().raw_decode(example)
        ExportOptions.model_validate(options)


@pytest.mark.parametrize("name", READMES)
def test_every_make_command_exists(name: str) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    named = r"make (up|test|test-deep|test-fuzz|check|benchmark|docs|mutation|clean)\b"
    commands = set(re.findall(named, (ROOT / name).read_text("utf-8")))
    assert {"up", "test"} <= commands
    assert all(re.search(rf"^{command}:", makefile, re.MULTILINE) for command in commands)


@pytest.mark.parametrize("name", READMES)
def test_its_rule_is_one_and_its_pages_and_routes_are_there(name: str, tmp_path: Path) -> None:
    text = (ROOT / name).read_text("utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    parse_rule(json.loads(example), default_dataset="user_activity")
    for page in re.findall(r"\]\((docs/[^)]+)\)", text):
        assert (ROOT / page).exists(), page
    settings = Settings.load(data_dir=tmp_path, clickhouse_url="http://nobody:x@127.0.0.1:1", secret_key="k" * 32)
    routes = create_app(settings).openapi()["paths"]
    table = text.split("```json")[1].split("\n## ")[0]
    for method, path in re.findall(r"`(GET|POST) (/[^`?]+)", table):
        assert method.lower() in routes[f"/api/v1{path}"], path


@pytest.mark.parametrize("name", READMES)
def test_it_is_short(name: str) -> None:
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= 160
