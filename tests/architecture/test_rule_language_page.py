"""`docs/rule-language.md` is what the code says, and its examples are rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.__main__ import GENERATED
from docs.rule_examples import CATALOGUE, LIBRARY
from segmentator_dagster.domain import problems, reference_problems
from segmentator_dagster.domain.aggregates import AGGREGATES
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import ProblemKind
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.periods import PERIODS
from segmentator_dagster.domain.rule import Rule, Unit
from segmentator_dagster.domain.rule_file import read_rule_file

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "rule-language.md").read_text("utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", PAGE, re.DOTALL)]
CONDITIONS = [json.loads(code.replace("\\|", "|")) for code in re.findall(r'`(\{"field": .*?\})` \|', PAGE)]


@pytest.mark.parametrize("name", GENERATED)
def test_what_is_made_from_the_code_is_current(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == GENERATED[name](), "run: python -m docs"


def rule_of(value: Any) -> Rule:
    if value.get("segmentator") == "rule":
        names = value["references"]
        segments, lists = ({name: int(id_) for id_, name in names[kind].items()} for kind in ("segments", "lists"))
        return read_rule_file(value, segments, lists).rule
    return parse_rule(value, default_dataset="user_activity")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: json.dumps(block)[:50])
def test_every_example_is_a_rule_without_problems(block: Any) -> None:
    assert check_rule(rule_of(block), CATALOGUE, "user_activity", "Europe/Moscow", library=LIBRARY) == ()


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition["operator"])
def test_every_example_of_an_operator_is_a_condition_without_problems(condition: Any) -> None:
    dataset = next(name for name, one in CATALOGUE.datasets.items() if one.field(condition["field"]))
    rule = parse_rule({"combinator": "and", "rules": [condition]}, default_dataset=dataset)
    assert check_rule(rule, CATALOGUE, dataset, "Europe/Moscow", library=LIBRARY) == ()


def test_every_word_of_the_language_is_on_the_page() -> None:
    assert [condition["operator"] for condition in CONDITIONS] == list(OPERATORS)
    words = {*OPERATORS, *AGGREGATES, *PERIODS, *Unit, *Shape}
    assert {word for word in words if f"| `{word}` |" not in PAGE} == set()
    codes = {kind.code for module in (problems, reference_problems) for kind in vars(module).values()
             if isinstance(kind, ProblemKind)}  # fmt: skip
    assert {code for code in codes if f"| `{code}` |" not in PAGE} == set()
    functions = {block["aggregate"]["function"] for block in BLOCKS if "aggregate" in block}
    assert functions == set(AGGREGATES)
