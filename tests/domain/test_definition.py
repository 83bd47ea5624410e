from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.definition import Examined, examined, saved_rule
from segmentator_dagster.domain.errors import Category, ProblemKind, UserError
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.reference_problems import BROKEN_SEGMENT
from segmentator_dagster.domain.references import KnownSegment, Library
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Everyone, Rule, SegmentMembers
from segmentator_dagster.domain.segment import Definition, Fault

CITY = Field("city", FieldType.TEXT, "String", nullable=False)
KEY = Field("id", FieldType.TEXT, "String", nullable=False)
PEOPLE = Dataset("people", "datasets", "people", "id", None, (KEY, CITY))
CATALOGUE = Catalogue({"people": PEOPLE})
WHOLE = Definition("Все", {"kind": "everyone"}, "people", "Europe/Moscow")
DOWN = ProblemKind("down", Category.UNAVAILABLE, en="Down.", ru="Не работает.")


def seen(definition: Definition = WHOLE, catalogue: Catalogue = CATALOGUE, **more: Any) -> Examined:
    return examined(definition, catalogue, lambda _: Library(), **more)


def faults(found: Examined) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in found.problems]


def in_moscow(**more: Any) -> Definition:
    where = {"combinator": "and", "rules": [{"field": "city", "operator": "=", "value": "Москва"}]}
    return replace(WHOLE, rule={"combinator": "and", "rules": where["rules"]}, **more)


def test_a_definition_that_goes_with_the_data_has_no_problems() -> None:
    for definition in (WHOLE, in_moscow(), in_moscow(columns=("city", "id")), in_moscow(columns=())):
        found = seen(definition)
        assert found.problems == ()
        assert found.rule == saved_rule(definition)


def test_a_shorthand_rule_is_read_on_its_own_dataset() -> None:
    rule = saved_rule(in_moscow())
    assert getattr(rule, "dataset", "") == "people"


def test_columns_that_are_gone_are_named_where_they_are_used() -> None:
    less = Catalogue({"people": replace(PEOPLE, fields=(KEY,))})
    assert faults(seen(in_moscow(columns=("id", "city")), less)) == [
        ("unknown_field", "/columns/1"),
        ("unknown_field", "/rule/rules/0/field"),
    ]
    keyless = Catalogue({"people": replace(PEOPLE, fields=(CITY,))})
    assert faults(seen(WHOLE, keyless)) == [("unknown_field", "/dataset")]


def test_fields_that_the_files_need_and_that_are_gone_are_named() -> None:
    said = {"split": {"field": "city"}, "yandex_audience": {"email": "mail"}}
    definition = replace(WHOLE, export=ExportOptions.model_validate(said))
    assert faults(seen(definition)) == [("unknown_field", "/export/yandex_audience/email")]
    less = Catalogue({"people": replace(PEOPLE, fields=(KEY,))})
    assert faults(seen(definition, less)) == [
        ("split_field_not_exported", "/export/split/field"),
        ("unknown_field", "/export/yandex_audience/email"),
    ]


def test_a_missing_dataset_is_one_problem_however_much_of_it_is_used() -> None:
    assert faults(seen(in_moscow(columns=("city",)), Catalogue())) == [("unknown_dataset", "/dataset")]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rule": {"kind": "gone"}}, ("unknown_kind", "/rule/kind")),
        ({"rule_version": LANGUAGE_VERSION + 1}, ("rule_too_new", "/rule")),
    ],
)
def test_a_rule_that_cannot_be_read_is_a_problem_at_its_place(change: dict[str, Any], fault: tuple[str, str]) -> None:
    found = seen(replace(WHOLE, **change))
    assert (found.rule, faults(found)) == (None, [fault])


def test_older_rules_are_read_as_they_are() -> None:
    assert saved_rule(replace(WHOLE, rule_version=1)) == Everyone()


def test_references_are_looked_up_and_what_cannot_be_is_a_problem_of_the_rule() -> None:
    asked: list[Rule] = []
    definition = replace(WHOLE, rule={"kind": "segment", "segment_id": 7})

    def library_of(rule: Rule) -> Library:
        asked.append(rule)
        return Library({7: KnownSegment(7, "семь", Everyone(), "people", "UTC")})

    found = examined(definition, CATALOGUE, library_of)
    assert (asked, found.problems) == ([SegmentMembers(7)], ())
    assert found.library.segments.keys() == {7}
    assert faults(examined(definition, CATALOGUE, library_of, segment_id=7)) == [("segment_cycle", "/rule/segment_id")]
    assert faults(seen(definition)) == [("unknown_segment", "/rule/segment_id")]

    def broken(_: Rule) -> Library:
        raise BROKEN_SEGMENT.error(id=7, name="семь", reason_en="x", reason_ru="x")

    assert faults(examined(definition, CATALOGUE, broken)) == [("broken_segment", "/rule")]


def test_a_look_that_failed_is_no_problem_of_the_definition() -> None:
    def down(_: Rule) -> Library:
        raise DOWN.error()

    with pytest.raises(UserError) as error:
        examined(WHOLE, CATALOGUE, down)
    assert error.value.code == "down"


def test_a_fault_keeps_the_words_of_both_languages() -> None:
    (problem,) = seen(WHOLE, Catalogue()).problems
    fault = Fault.of(problem)
    assert (fault.code, fault.pointer) == ("unknown_dataset", "/dataset")
    assert (fault.message_ru, fault.message_en) == (problem.message("ru"), problem.message("en"))
    assert (fault.hint_ru, fault.hint_en) == (problem.hint("ru"), problem.hint("en"))
