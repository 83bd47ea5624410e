from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given

from segmentator_dagster.domain.audit import Event, changed, definition_entry, structure
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.segment import Definition, Schedule
from tests.domain.worlds import rules

MARK, NUMBER = "canary-4b1f", 70368744177664
TYPED_IN = {"value", "within", "count", "from", "to", "seed"}
NAMES = {"kind", "combinator", "not", "field", "operator", "dataset", "function", "key", "as", "segment_id", "list_id"}
RULE = {
    "kind": "group",
    "combinator": "and",
    "not": False,
    "rules": [
        {
            "kind": "activity",
            "dataset": "d",
            "where": {
                "combinator": "or",
                "not": True,
                "rules": [
                    {"field": "mail", "operator": "in", "value": ["anna@example.ru"], "ignore_case": True},
                    {"field": "day", "operator": "inLast", "value": {"count": 30, "unit": "day"}},
                    {"field": "props", "key": "plan", "as": "text", "operator": "=", "value": "gold"},
                ],
            },
            "aggregate": {"function": "sum", "field": "price"},
            "operator": ">=",
            "value": 2,
            "not": False,
        },
        {"kind": "list", "list_id": 3, "not": True},
    ],
}


def planted(node: Any, typed_in: bool = False) -> Any:
    """A rule with marks in place of everything that a person typed in."""
    if isinstance(node, dict):
        return {
            key: planted(value, key in TYPED_IN or (typed_in and key != "unit")) if key != "unit" else value
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [planted(one, typed_in) for one in node]
    return node if not typed_in else MARK if isinstance(node, str) else NUMBER


def named(node: Any, names: frozenset[str] = frozenset(NAMES)) -> Iterator[tuple[str, Any]]:
    """Everything of a rule that tells how it is built, in its order."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in names and not isinstance(value, dict | list):
                yield key, value
            yield from named(value, names)
    if isinstance(node, list):
        for one in node:
            yield from named(one, names)


@given(rules(references=True))
def test_of_a_rule_no_value_is_written_down_and_everything_else_is(rule: Rule) -> None:
    written = rule_json(rule)
    kept = structure(planted(written))
    text = json.dumps(kept)
    assert MARK not in text
    assert str(NUMBER) not in text
    assert list(named(kept)) == list(named(written))


def test_the_structure_of_a_rule_shows_what_it_asks_and_not_of_whom() -> None:
    assert structure(RULE) == {
        "kind": "group",
        "combinator": "and",
        "not": False,
        "rules": [
            {
                "kind": "activity",
                "dataset": "d",
                "where": {
                    "combinator": "or",
                    "not": True,
                    "rules": [
                        {"field": "mail", "operator": "in", "value": "…", "ignore_case": "…"},
                        {"field": "day", "operator": "inLast", "value": {"count": "…", "unit": "day"}},
                        {"field": "props", "key": "plan", "as": "text", "operator": "=", "value": "…"},
                    ],
                },
                "aggregate": {"function": "sum", "field": "price"},
                "operator": ">=",
                "value": "…",
                "not": False,
            },
            {"kind": "list", "list_id": 3, "not": True},
        ],
    }


def test_a_list_where_a_name_should_stand_is_held_back() -> None:
    assert structure({"field": ["anna@example.ru"], "kind": {"value": 5}}) == {"field": "…", "kind": {"value": "…"}}


def test_an_entry_says_everything_of_a_definition_but_the_values_of_its_rule() -> None:
    plain = Definition("Весна", RULE, "d", "Europe/Moscow")
    assert definition_entry(plain, 1) == {
        "version": 1,
        "name": "Весна",
        "description": "",
        "tags": [],
        "dataset": "d",
        "time_zone": "Europe/Moscow",
        "columns": None,
        "schedule": None,
        "export": None,
        "rule": structure(RULE),
    }
    whole = replace(
        plain,
        tags=("a", "b"),
        columns=("x",),
        schedule=Schedule("0 6 * * *", ("csv",)),
        export=ExportOptions.model_validate({"csv": {"profile": "excel-ru"}}),
    )
    entry = json.loads(json.dumps(definition_entry(whole, 2)))
    assert (entry["tags"], entry["columns"]) == (["a", "b"], ["x"])
    assert entry["schedule"]["cron"] == "0 6 * * *"
    assert entry["schedule"]["formats"] == ["csv"]
    assert entry["export"] == {"csv": {"profile": "excel-ru"}}


def test_of_a_change_only_what_differs_is_written_down_and_the_version_always() -> None:
    before, after = {"version": 1, "name": "a", "tags": []}, {"version": 2, "name": "a", "tags": ["x"]}
    assert changed(before, after) == ({"version": 1, "tags": []}, {"version": 2, "tags": ["x"]})
    assert changed(before, before) == ({"version": 1}, {"version": 1})
    assert changed({}, {"name": "a"}) == ({"name": None}, {"name": "a"})


def test_events_are_short_words_that_the_database_can_hold() -> None:
    assert all(len(event) <= 40 and event.value.islower() for event in Event)
