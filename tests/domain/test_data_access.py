from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from segmentator_dagster.domain.access import SYSTEM
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type
from segmentator_dagster.domain.data_access import (
    UNLIMITED,
    AccessLayer,
    DataAccess,
    Shown,
    access_of,
    access_problems,
    narrowed,
)
from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.field_operators import operators_of
from segmentator_dagster.domain.fields import field_of
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.rule import Aggregate, Condition

NOTHING = AccessLayer()


def field(name: str, type_: str = "String", *, sensitive: bool = False) -> Field:
    return Field(name, field_type(type_), type_, nullable=False, sensitive=sensitive)


BUYERS = Dataset(
    *("buyers", "db", "buyers", "id", "day"),
    (
        field("id", sensitive=True),
        field("mail", sensitive=True),
        field("born", "Date", sensitive=True),
        field("city"),
        field("day", "Date"),
        field("props", "Map(String, String)"),
    ),
)
VISITS = Dataset("visits", "db", "visits", "id", None, (field("id"), field("page")))
CATALOGUE = Catalogue({"buyers": BUYERS, "visits": VISITS})


def layer(**said: Any) -> AccessLayer:
    return AccessLayer.model_validate(said)


def access(everybody: AccessLayer = NOTHING, **own: Any) -> DataAccess:
    return DataAccess.of(everybody, layer(**own))


def seen(found: DataAccess) -> dict[str, str]:
    """How each field of BUYERS is seen by somebody."""
    (dataset,) = (one for one in narrowed(CATALOGUE, found).datasets.values() if one.name == "buyers")
    there = {one.name: "masked" if one.masked else "shown" for one in dataset.fields}
    return {one.name: there.get(one.name, "hidden") for one in BUYERS.fields}


def test_whoever_is_told_nothing_sees_everything() -> None:
    assert access() == UNLIMITED
    assert UNLIMITED.whole
    assert narrowed(CATALOGUE, UNLIMITED) is CATALOGUE
    assert (UNLIMITED.may_export, UNLIMITED.max_rows) == (True, None)
    assert SYSTEM.access is UNLIMITED


def test_administrators_are_not_limited_and_users_are() -> None:
    everybody, own = layer(may_export=False), layer(max_rows=5)
    assert access_of(Role.ADMINISTRATOR, everybody, own) == UNLIMITED
    assert access_of(Role.USER, everybody, own) == DataAccess(may_export=False, max_rows=5)


@pytest.mark.parametrize(
    ("datasets", "expected"),
    [
        ({}, {"buyers", "visits"}),
        ({"buyers": False}, {"visits"}),
        ({"buyers": True}, {"buyers", "visits"}),
        ({"*": False}, set()),
        ({"*": False, "buyers": True}, {"buyers"}),
        ({"*": True, "buyers": False}, {"visits"}),
    ],
)
def test_a_dataset_is_there_where_its_name_or_the_star_says_so(datasets: dict[str, bool], expected: set[str]) -> None:
    assert narrowed(CATALOGUE, access(datasets=datasets)).datasets.keys() == expected


def test_a_person_is_told_key_by_key_over_what_everybody_is() -> None:
    everybody = layer(
        datasets={"*": False, "buyers": True},
        fields={"buyers": {"mail": "hidden", "city": "masked"}, "visits": {"page": "hidden"}},
        sensitive="masked",
        may_export=False,
        max_rows=10,
    )
    assert access(everybody).datasets == {"*": False, "buyers": True}
    own = access(
        everybody,
        datasets={"visits": True},
        fields={"buyers": {"mail": "shown"}},
        sensitive="shown",
        may_export=True,
        max_rows=7,
    )
    assert own == DataAccess(
        datasets={"*": False, "buyers": True, "visits": True},
        fields={"buyers": {"mail": Shown.SHOWN, "city": Shown.MASKED}, "visits": {"page": Shown.HIDDEN}},
        sensitive=Shown.SHOWN,
        may_export=True,
        max_rows=7,
    )


@pytest.mark.parametrize(
    ("everybody", "own", "most"), [(None, None, None), (5, None, 5), (5, 7, 7), (5, "unlimited", None), (None, 7, 7)]
)
def test_a_person_may_have_more_rows_than_everybody_or_fewer(everybody: Any, own: Any, most: int | None) -> None:
    assert access(layer(max_rows=everybody), max_rows=own).max_rows == most


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"sensitive": "masked"}, {"mail": "masked", "born": "hidden"}),
        ({"sensitive": "hidden"}, {"mail": "hidden", "born": "hidden"}),
        ({"sensitive": "masked", "fields": {"buyers": {"mail": "shown"}}}, {"born": "hidden"}),
        ({"sensitive": "hidden", "fields": {"buyers": {"born": "shown"}}}, {"mail": "hidden"}),
        ({"fields": {"buyers": {"mail": "masked", "city": "hidden"}}}, {"mail": "masked", "city": "hidden"}),
        ({"fields": {"buyers": {"props": "masked", "day": "masked"}}}, {"props": "hidden", "day": "hidden"}),
        ({"fields": {"buyers": {"id": "hidden"}}, "sensitive": "hidden"}, {"mail": "hidden", "born": "hidden"}),
        ({"fields": {"visits": {"mail": "hidden"}}, "datasets": {"visits": False}}, {}),
    ],
)
def test_a_field_is_seen_as_it_is_named_or_else_as_sensitive_ones_are(
    said: dict[str, Any], expected: dict[str, str]
) -> None:
    """The user key always is, and what has no mask is hidden where it should be masked."""
    assert seen(access(**said)) == dict.fromkeys((one.name for one in BUYERS.fields), "shown") | expected


def test_what_is_hidden_is_kept_apart_and_cannot_be_named() -> None:
    dataset = narrowed(CATALOGUE, access(sensitive="hidden")).datasets["buyers"]
    assert [one.name for one in dataset.hidden] == ["mail", "born"]
    assert dataset.field("mail") is None
    assert dataset.field("city") == BUYERS.field("city")


@pytest.mark.parametrize("named", [Condition("mail", "notNull"), Aggregate(Function.DISTINCT, "mail")])
def test_a_masked_field_cannot_be_asked_about(named: Condition | Aggregate) -> None:
    dataset = narrowed(CATALOGUE, access(sensitive="masked")).datasets["buyers"]
    mail = dataset.field("mail")
    assert mail == replace(BUYERS.fields[1], masked=True)
    assert operators_of(mail) == ()
    found = field_of(dataset, named)
    assert isinstance(found, Problem)
    assert (found.code, found.pointer) == ("field_masked", "/field")


@pytest.mark.parametrize(
    ("said", "sure"),
    [
        ({}, True),
        ({"datasets": {"buyers": False}}, False),
        ({"fields": {"buyers": {"mail": "masked"}}}, False),
        ({"fields": {"buyers": {"mail": "hidden"}}}, False),
        ({"fields": {"visits": {"mail": "hidden"}}}, True),
        ({"sensitive": "masked"}, False),  # it may be a sensitive one
        ({"sensitive": "masked", "fields": {"buyers": {"mail": "shown"}}}, True),
    ],
)
def test_of_a_field_that_is_known_by_name_only_it_is_sure_that_it_is_shown_or_not(
    said: dict[str, Any], sure: bool
) -> None:
    assert access(**said).surely_shows("buyers", "mail") is sure


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ({}, True),
        ({"may_export": False, "max_rows": 1}, True),  # that is no matter of the catalogue
        ({"datasets": {"*": True}, "fields": {"buyers": {"mail": "shown"}}}, True),
        ({"datasets": {"visits": False}}, False),
        ({"fields": {"buyers": {"mail": "masked"}}}, False),
        ({"fields": {"buyers": {"mail": "hidden"}}}, False),
        ({"sensitive": "masked"}, False),
    ],
)
def test_access_is_whole_where_nothing_is_kept_back(said: dict[str, Any], whole: bool) -> None:
    assert access(**said).whole is whole


@pytest.mark.parametrize(
    ("said", "problems"),
    [
        ({}, []),
        ({"datasets": {"*": False, "buyers": True}, "fields": {"buyers": {"mail": "masked"}}}, []),
        ({"fields": {"buyers": {"id": "shown", "born": "hidden"}}}, []),
        ({"datasets": {"buyer": True}}, [("unknown_dataset", "/datasets/buyer")]),
        ({"fields": {"a/b": {"x": "hidden"}}}, [("unknown_dataset", "/fields/a~1b")]),
        ({"fields": {"*": {"x": "hidden"}}}, [("unknown_dataset", "/fields/*")]),
        ({"fields": {"buyers": {"mial": "hidden"}}}, [("unknown_field", "/fields/buyers/mial")]),
        ({"fields": {"buyers": {"id": "hidden"}}}, [("user_key_stays", "/fields/buyers/id")]),
        ({"fields": {"buyers": {"id": "masked"}}}, [("user_key_stays", "/fields/buyers/id")]),
        ({"fields": {"buyers": {"born": "masked"}}}, [("mask_not_text", "/fields/buyers/born")]),
        (
            {"datasets": {"x": True}, "fields": {"visits": {"pgae": "shown", "page": "masked"}}},
            [("unknown_dataset", "/datasets/x"), ("unknown_field", "/fields/visits/pgae")],
        ),
    ],
)
def test_everything_that_does_not_go_with_the_data_is_said_at_its_place(
    said: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    assert [(one.code, one.pointer) for one in access_problems(layer(**said), CATALOGUE)] == problems


def test_what_is_not_there_is_said_with_what_was_meant() -> None:
    (problem,) = access_problems(layer(fields={"buyers": {"mial": "hidden"}}), CATALOGUE)
    assert "mail" in problem.hint("en")
    assert "mail" in problem.hint("ru")


@pytest.mark.parametrize(
    "said",
    [
        {"dataset": {}},
        {"datasets": {"a": "yes"}},
        {"datasets": ["a"]},
        {"fields": {"a": {"b": "secret"}}},
        {"fields": {"a": "hidden"}},
        {"sensitive": "none"},
        {"may_export": "true"},
        *({"max_rows": wrong} for wrong in (0, -1, 10**12 + 1, True, "5", 1.5, "all")),
        {"datasets": {str(n): True for n in range(1001)}},
    ],
)
def test_a_layer_of_another_shape_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        layer(**said)


def test_a_layer_says_what_was_said_and_no_more() -> None:
    said = {"datasets": {"a": False}, "fields": {"a": {"b": "masked"}}, "max_rows": "unlimited"}
    assert layer(**said, sensitive=None).as_json() == said
    assert layer(**layer(**said).as_json()) == layer(**said)
