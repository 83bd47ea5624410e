from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library, list_ids, segment_ids
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Everyone, Rule
from segmentator_dagster.domain.rule_file import MIGRATIONS, RuleFile, read_rule_file, rule_file
from segmentator_dagster.domain.rule_json import rule_json
from tests.domain import worlds
from tests.domain.spoken import (
    CATALOGUE,
    EVERYONE,
    LIBRARY,
    SEGMENT,
    VIP_LIST,
    Json,
    audience,
    did,
    group,
    of,
    top,
    where,
)
from tests.domain.test_parsing import JSON

GOLDEN = Path(__file__).parents[1] / "compiler" / "golden"
OF_VERSION_1 = (
    *("bare_row_group", "did_and_did_not_in_one_scan", "everyone", "negated_group_and_everyone"),
    *("other_dataset_by_text_key", "payments_moments_and_days", "payments_null_and_nan"),
    "payments_single_activity_is_a_where",
)
IN_VIP = where("platform", "inList", 3)
EVERYWHERE = audience(
    "or",
    SEGMENT,
    audience("and", VIP_LIST, did(IN_VIP), did(aggregate=of("last", "platform"), operator="notInList", value=3)),
    top(5, IN_VIP, rule=SEGMENT),
    {"kind": "sequence", "dataset": "user_activity", "steps": [{}, {"where": group("and", IN_VIP)}]},
)
SEGMENTS_HERE = {"Refunds": 170, "Refund": 1}
LISTS_HERE = {"VIP": 30}


def document(rule: Any = EVERYONE, **changes: Any) -> Json:
    references = {"segments": {"17": "Refunds"}, "lists": {"3": "VIP"}}
    return {
        "segmentator": "rule",
        "version": 2,
        "name": "Loyal",
        "dataset": "user_activity",
        "time_zone": "UTC",
        "rule": rule,
        "references": references,
        **changes,
    }


def read(value: object) -> RuleFile:
    return read_rule_file(value, SEGMENTS_HERE, LISTS_HERE)


def problems(value: object) -> list[tuple[str, str]]:
    try:
        return said(read(value).problems)
    except UserError as error:
        return said(error.problems)


def said(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    shown = tuple(problems)
    for problem in shown:
        for language in ("ru", "en"):
            assert problem.message(language)
            problem.hint(language).encode()
    return [(problem.code, problem.pointer) for problem in shown]


def test_a_written_file_names_what_the_rule_refers_to() -> None:
    rule = parse_rule(EVERYWHERE, default_dataset="user_activity")
    written = rule_file("Loyal", "user_activity", "Europe/Moscow", rule, LIBRARY)
    assert written == {
        "segmentator": "rule",
        "version": LANGUAGE_VERSION,
        "name": "Loyal",
        "dataset": "user_activity",
        "time_zone": "Europe/Moscow",
        "rule": rule_json(rule),
        "references": {"segments": {"17": "Refunds"}, "lists": {"3": "VIP"}},
    }


def test_references_get_the_ids_that_their_names_have_here() -> None:
    found = read(document(EVERYWHERE, time_zone="Europe/Moscow"))
    renumbered = json.loads(
        json.dumps(EVERYWHERE).replace('"segment_id": 17', '"segment_id": 170').replace("3}", "30}")
    )
    assert renumbered != EVERYWHERE
    expected = parse_rule(renumbered, default_dataset="user_activity")
    assert found == RuleFile("Loyal", "user_activity", "Europe/Moscow", expected)


def test_ids_that_change_places_are_not_mixed_up() -> None:
    swapped = read_rule_file(
        document(
            audience("and", SEGMENT, {**SEGMENT, "segment_id": 18}), references={"segments": {"17": "a", "18": "b"}}
        ),
        {"a": 18, "b": 17},
        {},
    )
    assert list(segment_ids(swapped.rule)) == [18, 17]


@given(worlds.rules(references=True))
def test_a_file_read_where_it_was_written_is_the_same_rule(rule: Rule) -> None:
    segments = {id_: KnownSegment(id_, f"s{id_}", Everyone(), worlds.BASE, "UTC") for id_ in worlds.SEGMENTS}
    lists = {id_: KnownList(id_, f"l{id_}", ()) for id_ in worlds.LISTS}
    written = json.loads(json.dumps(rule_file("n", worlds.BASE, "UTC", rule, Library(segments, lists))))
    found = read_rule_file(
        written, {one.name: one.id for one in segments.values()}, {one.name: one.id for one in lists.values()}
    )
    assert (found.rule, found.problems) == (rule, ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, [("not_a_rule_file", "")]) for value in (None, [], "rule", 5, {}, {"segmentator": 1}, EVERYONE)),
        ({"segmentator": "rule"}, [("missing_key", "")]),
        (document(version=3), [("rule_too_new", "/version")]),
        (document(version=10**5000), [("rule_too_new", "/version")]),
        *((document(version=version), [("unknown_rule_version", "/version")]) for version in (0, -1)),
        *((document(version=version), [("wrong_json_type", "/version")]) for version in ("2", 1.5, None, True)),
        (
            {"segmentator": "rule", "version": 2},
            [("missing_key", "")] * 4,
        ),
        (
            document(name="", dataset=5, time_zone=None, rule={"kind": "grup"}, author="x"),
            [("unknown_key", "/author"), ("empty_name", "/name"), ("wrong_json_type", "/dataset"),
             ("wrong_json_type", "/time_zone"), ("unknown_kind", "/rule/kind")],
        ),
        (document(group("and", where("a", "=", {}))), [("wrong_json_type", "/rule/rules/0/value")]),
        (document(references=[]), [("wrong_json_type", "/references")]),
        (document(references={"segment": {}}), [("unknown_key", "/references/segment")]),
        (document(references={"segments": [], "lists": {"3": ["VIP"]}}),
         [("wrong_json_type", "/references/segments"), ("wrong_json_type", "/references/lists/3")]),
        (document(references={"lists": {"x": "a", "03": "a", "": "a", "\ud800": "a"}}),
         [("not_an_id", "/references/lists/x"), ("not_an_id", "/references/lists/03"),
          ("not_an_id", "/references/lists/"), ("not_an_id", "/references/lists/\\ud800")]),
        (document(SEGMENT, references={"segments": {"17": ""}}), [("empty_name", "/references/segments/17")]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_all_problems_at_their_places(value: object, expected: list[Any]) -> None:
    assert problems(value) == expected


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        ({}, [("unnamed_segment", "/references/segments"), ("unnamed_list", "/references/lists")]),
        (
            {"segments": {"17": "Refundz"}, "lists": {"3": "vip"}},
            [("segment_not_here", "/references/segments/17"), ("list_not_here", "/references/lists/3")],
        ),
    ],
)
def test_every_reference_to_what_is_not_here_is_named_once_and_the_rest_is_read(
    references: Any, expected: list[Any]
) -> None:
    found = read(document(EVERYWHERE, references=references))
    assert said(found.problems) == expected
    assert (list(segment_ids(found.rule)), list(list_ids(found.rule))) == ([], [])


def test_problems_of_the_rest_keep_their_places_where_references_are_missing() -> None:
    wrong = did(where("nope", "=", 1), IN_VIP)
    rule = audience("or", SEGMENT, VIP_LIST, top(5, IN_VIP, rule=SEGMENT), wrong)
    found = read(document(rule, references={}))
    assert len(found.problems) == 2
    (problem,) = check_rule(found.rule, CATALOGUE, "user_activity")
    assert (problem.code, problem.pointer) == ("unknown_field", "/rules/3/where/rules/0/field")


def test_what_is_wrong_with_the_form_of_the_rule_is_said_beside_what_is_missing_and_wrong_otherwise() -> None:
    rule = audience("or", SEGMENT, {"kind": "grup"}, did(where("nope", "=", 1), where("nor", "=", {})))
    found = read(document(rule, references={}))
    assert said(found.problems) == [
        ("unknown_kind", "/rule/rules/1/kind"),
        ("wrong_json_type", "/rule/rules/2/where/rules/1/value"),
        ("unnamed_segment", "/references/segments"),
    ]
    assert said(check_rule(found.rule, CATALOGUE, "user_activity")) == [
        ("unknown_field", "/rules/2/where/rules/0/field"),
        ("unknown_field", "/rules/2/where/rules/1/field"),
    ]


def test_problems_of_a_rule_without_its_activity_point_into_the_file() -> None:
    found = read(document(group("and", where("nope", "=", 1))))
    (problem,) = check_rule(found.rule, CATALOGUE, "user_activity")
    assert problem.pointer == "/rules/0/field"


def test_a_name_not_known_here_is_answered_with_the_closest_one() -> None:
    found = read(document(SEGMENT, references={"segments": {"17": "Refundz"}}))
    assert "`Refunds`" in found.problems[0].hint("ru")


def test_every_older_version_has_a_step_to_the_next() -> None:
    assert set(MIGRATIONS) == set(range(1, LANGUAGE_VERSION))


@pytest.mark.parametrize("name", OF_VERSION_1)
def test_rules_of_version_1_are_read_and_mean_the_same(name: str) -> None:
    rule = json.loads((GOLDEN / name / "rule.json").read_text("utf-8"))
    found = read(document(rule, version=1))
    assert found.rule == parse_rule(rule, default_dataset="user_activity")


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = {"rules": [value], "segments": value, "rule": value}
    return value


@given(JSON, st.sampled_from(["version", "name", "dataset", "time_zone", "rule", "references"]), JSON)
def test_any_json_gives_a_file_or_a_user_error(value: Any, key: str, other: Any) -> None:
    for candidate in (value, document(**{key: value}), document(references={"segments": value, "lists": other})):
        try:
            read(candidate)
        except UserError:
            continue


@pytest.mark.parametrize("key", ["rule", "references", "name", "version"])
def test_json_of_any_depth_is_refused(key: str) -> None:
    assert problems(document(**{key: deep(50_000)}))
