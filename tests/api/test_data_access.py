"""What somebody with less access gets of the data, over REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.api.conftest import Stack
from tests.api.desk import EVERYONE, LIMITED, Desk, downloaded, open_desk, refusal, segment
from tests.servers.clickhouse import ClickHouseServer


@pytest.fixture
def desk(make_stack: Callable[..., Stack], admin: ClickHouse, clickhouse_server: ClickHouseServer) -> Iterator[Desk]:
    with open_desk(make_stack, admin, clickhouse_server) as opened:
        yield opened


def where(field: str, operator: str = "=", value: Any = "x") -> dict[str, Any]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


def preview(who: httpx.Client, **more: Any) -> Any:
    answer = who.post("/api/v1/rules/preview", json={"rule": EVERYONE, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_fields_of_a_dataset_are_those_one_may_see_and_a_mask_has_no_operators(desk: Desk) -> None:
    desk.limit(**LIMITED)
    fields = {one["name"]: one for one in desk.vera.get("/api/v1/datasets/crm/fields").json()["items"]}
    assert list(fields) == ["user_id", "email", "city"]
    assert (fields["email"]["masked"], fields["email"]["filterable"], fields["email"]["operators"]) == (True, False, [])
    assert (fields["city"]["masked"], bool(fields["city"]["operators"])) == (False, True)
    whole = {one["name"]: one for one in desk.admin.get("/api/v1/datasets/crm/fields").json()["items"]}
    assert list(whole) == ["user_id", "email", "city", "born"]
    assert (whole["email"]["masked"], bool(whole["email"]["operators"])) == (False, True)


def test_a_closed_dataset_is_not_there(desk: Desk) -> None:
    desk.limit(datasets={"other": False})
    assert [one["name"] for one in desk.vera.get("/api/v1/datasets").json()["items"]] == ["crm"]
    closed, unknown = (desk.vera.get(f"/api/v1/datasets/{name}/fields") for name in ("other", "othr"))
    assert refusal(closed, 404) == refusal(unknown, 404)
    assert "other" not in unknown.json()["hint"]
    rule = {"rule": EVERYONE, "dataset": "other"}
    assert refusal(desk.vera.post("/api/v1/rules/count", json=rule)) == ("unknown_dataset", "/dataset")
    activity = {"kind": "activity", "dataset": "other"}
    assert refusal(desk.vera.post("/api/v1/rules/count", json={"rule": activity})) == (
        "unknown_dataset",
        "/rule/dataset",
    )


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (where("email"), ("field_masked", "/rule/rules/0/field")),
        (where("email", "contains", "@"), ("field_masked", "/rule/rules/0/field")),
        (where("born", value="1990-01-31"), ("unknown_field", "/rule/rules/0/field")),
        (
            {
                "kind": "activity",
                "dataset": "crm",
                "aggregate": {"function": "distinct", "field": "email"},
                "operator": ">",
                "value": 1,
            },
            ("field_masked", "/rule/aggregate/field"),
        ),
        (
            {
                "kind": "activity",
                "dataset": "crm",
                "aggregate": {"function": "max", "field": "born"},
                "operator": ">",
                "value": "2000-01-01",
            },
            ("unknown_field", "/rule/aggregate/field"),
        ),
    ],
)
def test_rules_may_neither_name_a_hidden_field_nor_ask_about_a_masked_one(
    desk: Desk, rule: Any, problem: tuple[str, str]
) -> None:
    desk.limit(**LIMITED)
    for question in ("check", "count", "preview", "funnel"):
        assert refusal(desk.vera.post(f"/api/v1/rules/{question}", json={"rule": rule})) == problem
    assert refusal(desk.vera.post("/api/v1/segments", json={"name": "x", "rule": rule})) == problem
    assert "born" not in desk.vera.post("/api/v1/rules/check", json={"rule": where("bornn")}).json()["hint"]


def test_a_preview_shows_masks_as_text_and_no_hidden_column(desk: Desk) -> None:
    desk.limit(**LIMITED)
    seen = preview(desk.vera)
    assert seen["columns"] == [{"name": name, "type": "text"} for name in ("user_id", "email", "city")]
    assert seen["rows"] == [["a", "a***@mail.ru", "Омск"], ["b", "b***@mail.ru", "Уфа"], ["c", None, "Уфа"]]
    hidden = {"rule": EVERYONE, "columns": ["city", "born"]}
    assert refusal(desk.vera.post("/api/v1/rules/preview", json=hidden)) == ("unknown_field", "/columns/1")


def test_values_and_breakdowns_of_masked_and_hidden_fields_are_refused(desk: Desk) -> None:
    desk.limit(**LIMITED)
    for field, code in (("email", "field_masked"), ("born", "unknown_field")):
        values = desk.vera.get(f"/api/v1/datasets/crm/fields/{field}/values")
        assert refusal(values) == (code, "/field")
        broken_down = desk.vera.post("/api/v1/rules/breakdown", json={"rule": EVERYONE, "field": field})
        assert refusal(broken_down) == (code, "/field")
    assert desk.vera.get("/api/v1/datasets/crm/fields/city/values").status_code == 200


@pytest.mark.parametrize("first", ["admin", "vera"])
def test_a_remembered_answer_is_given_to_nobody_who_may_not_have_it(desk: Desk, first: str) -> None:
    desk.limit(**LIMITED)
    columns = {"columns": ["email", "city"]}

    def all_asked(who: httpx.Client) -> tuple[Any, list[int]]:
        asked = [
            who.get("/api/v1/datasets/crm/fields/email/values"),
            who.post("/api/v1/rules/breakdown", json={"rule": EVERYONE, "field": "email"}),
            who.post("/api/v1/rules/count", json={"rule": where("email", value="anna@mail.ru")}),
            who.post("/api/v1/rules/funnel", json={"rule": where("email", value="anna@mail.ru")}),
        ]
        return preview(who, **columns), [answer.status_code for answer in asked]

    order = (desk.admin, desk.vera) if first == "admin" else (desk.vera, desk.admin)
    answers = {id(who): all_asked(who) for who in order for _ in range(2)}  # the second answer is remembered
    whole, allowed = answers[id(desk.admin)]
    masked, kept_back = answers[id(desk.vera)]
    assert (whole["cached"], masked["cached"]) == (True, True)
    assert whole["rows"][0] == ["a", "anna@mail.ru", "Омск"]
    assert masked["rows"][0] == ["a", "a***@mail.ru", "Омск"]
    assert (allowed, kept_back) == ([200] * 4, [422] * 4)
    desk.limit()
    assert preview(desk.vera, **columns)["rows"][0] == ["a", "anna@mail.ru", "Омск"]


def test_a_segment_of_the_team_over_a_hidden_field_counts_whole_also_inside_a_rule_of_ones_own(desk: Desk) -> None:
    young = segment(desk.admin, where("born", ">", "1980-01-01"))
    desk.limit(**LIMITED)
    inside = {"kind": "segment", "segment_id": young}
    in_ufa = {"kind": "activity", "dataset": "crm", "where": where("city", value="Уфа")}
    rule = {"kind": "group", "combinator": "and", "rules": [inside, in_ufa]}
    counted = desk.vera.post("/api/v1/rules/count", json={"rule": inside})
    assert (counted.status_code, counted.json()["count"]) == (200, 2)
    own = segment(desk.vera, rule)
    assert downloaded(desk.vera, desk.export(desk.vera, own)) == [
        ["user_id", "email", "city"],
        ["b", "b***@mail.ru", "Уфа"],
    ]
    assert [row[0] for row in downloaded(desk.vera, desk.export(desk.vera, young))[1:]] == ["a", "b"]


def test_what_needs_the_values_of_a_masked_field_is_refused_when_it_is_asked_for(desk: Desk) -> None:
    team = segment(desk.admin)
    desk.limit(**LIMITED)

    def asked(export: Any) -> tuple[str, str]:
        body = {"formats": ["csv"], "export": export}
        in_segment = desk.vera.post("/api/v1/segments", json={"name": "x", "rule": EVERYONE, "export": export})
        found = refusal(desk.vera.post(f"/api/v1/segments/{team}/exports", json=body))
        assert refusal(in_segment) == found
        return found

    assert asked({"yandex_audience": {"email": "email"}}) == ("field_masked", "/export/yandex_audience/email")
    assert asked({"yandex_audience": {"phone": "born"}}) == ("unknown_field", "/export/yandex_audience/phone")
    assert asked({"split": {"field": "email"}}) == ("field_masked", "/export/split/field")
    assert asked({"split": {"field": "born"}}) == ("split_field_not_exported", "/export/split/field")
    assert desk.stack.exports.of_segment(team) == ()


def test_nothing_of_a_closed_dataset_can_be_exported(desk: Desk) -> None:
    team = segment(desk.admin)
    desk.limit(datasets={"*": False})
    answer = desk.vera.post(f"/api/v1/segments/{team}/exports", json={"formats": ["csv"]})
    assert refusal(answer, 403) == ("dataset_not_allowed", "")
    assert "`crm`" in answer.json()["message"]
    assert desk.stack.exports.of_segment(team) == ()


def test_a_list_is_compared_with_nothing_that_is_masked_or_hidden(desk: Desk) -> None:
    body = {"content": b"anna@mail.ru\nnobody@mail.ru\n", "headers": {"Content-Type": "text/csv"}}

    def created(name: str, **more: str) -> httpx.Response:
        return desk.vera.post("/api/v1/lists", params={"name": name, "header": "false", **more}, **body)

    made = created("before", field="email")
    assert made.status_code == 201, made.text
    assert made.json()["matched"] == 1
    desk.limit(**LIMITED)
    assert refusal(created("masked", field="email")) == ("field_masked", "/field")
    assert refusal(created("hidden", field="born")) == ("unknown_field", "/field")
    path = f"/api/v1/lists/{made.json()['id']}"
    filled = desk.vera.put(f"{path}/items", params={"header": "false", "mode": "replace"}, **body)
    assert (filled.status_code, filled.json()["matched"]) == (200, None)
    assert refusal(desk.vera.get(f"{path}/unmatched"), 409)[0] == "list_not_compared"
