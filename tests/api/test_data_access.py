"""What somebody with less access gets of the data, over REST."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.people import Role
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.resources.services import Services
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from segmentator_dagster.storage.metadata.people import People
from tests.api.conftest import Stack
from tests.api.people import bearer, person, token_of
from tests.servers.clickhouse import ClickHouseServer

EVERYONE = {"kind": "everyone"}
LIMITED = {"fields": {"crm": {"email": "masked", "born": "hidden"}}}
COLUMNS = "user_id String, email Nullable(String), city String, born Date"
ROWS = "('a', 'anna@mail.ru', 'Омск', '1990-01-31'), ('b', 'bob@mail.ru', 'Уфа', '2000-02-29'), ('c', NULL, 'Уфа', 0)"


@dataclass(frozen=True)
class Desk:
    """An administrator and Vera before one installation with the dataset `crm`."""

    stack: Stack
    admin: httpx.Client
    vera: httpx.Client
    vera_id: int
    people: People
    exporter: Exporter
    clickhouse: ClickHouse
    table: str

    def limit(self, **layer: Any) -> None:
        self.people.set_access(self.vera_id, AccessLayer.model_validate(layer))

    def export(self, who: httpx.Client, segment_id: int, format_: str = "csv", **more: Any) -> str:
        """The id of an export that somebody asked for, its files made as a run makes them."""
        answer = who.post(f"/api/v1/segments/{segment_id}/exports", json={"formats": [format_], **more})
        assert answer.status_code == 202, answer.text
        export_id: str = answer.json()["items"][0]["id"]
        request_id = self.stack.exports.get(export_id).request_id
        run = Run(str(uuid.uuid4()), None, False, request_id, segment_id, (Format(format_),), True)
        request = self.exporter.begin(run)
        self.exporter.take_audience(request)
        self.exporter.write_file(request, Format(format_), run)
        return export_id


@pytest.fixture
def desk(make_stack: Callable[..., Stack], admin: ClickHouse, clickhouse_server: ClickHouseServer) -> Iterator[Desk]:
    create_databases(admin, "segmentator", "datasets")
    table = f"api_{uuid.uuid4().hex}"
    admin.execute(CompiledQuery(f"CREATE TABLE datasets.{table} ({COLUMNS}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{table} VALUES {ROWS}"))
    stack = make_stack(
        tuple(RegisteredDataset(name, "datasets", table, "user_id") for name in ("crm", "other")),
        clickhouse_url=clickhouse_server.writer_url,
        clickhouse_reader_url=clickhouse_server.reader_url,
        default_dataset="crm",
    )
    services = Services.of(stack.settings)
    database = Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")
    vera = person(database, "vera", Role.USER)
    token = token_of(database, "vera", Role.USER)
    with httpx.Client(base_url=stack.client.base_url, timeout=20, headers=bearer(token)) as client:
        people = People(database)
        yield Desk(stack, stack.client, client, vera.id, people, services.exporter, admin, table)
    database.close()


def where(field: str, operator: str = "=", value: Any = "x") -> dict[str, Any]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


def refusal(answer: httpx.Response, status: int = 422) -> tuple[str, str]:
    assert answer.status_code == status, answer.text
    return answer.json()["code"], answer.json()["pointer"]


def segment(who: httpx.Client, rule: Any = EVERYONE, **more: Any) -> int:
    made = who.post("/api/v1/segments", json={"name": uuid.uuid4().hex, "rule": rule, "visibility": "team", **more})
    assert made.status_code == 201, made.text
    found: int = made.json()["id"]
    return found


def preview(who: httpx.Client, **more: Any) -> Any:
    answer = who.post("/api/v1/rules/preview", json={"rule": EVERYONE, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def downloaded(who: httpx.Client, export_id: str) -> list[list[str]]:
    answer = who.get(f"/api/v1/exports/{export_id}/download", follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text, newline="")))


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


def test_whoever_may_not_export_neither_asks_for_files_nor_downloads_them(desk: Desk) -> None:
    team = segment(desk.vera)
    made = desk.export(desk.vera, team)
    desk.limit(may_export=False)
    asked = desk.vera.post(f"/api/v1/segments/{team}/exports", json={"formats": ["csv"]})
    assert refusal(asked, 403) == ("export_not_allowed", "")
    assert refusal(desk.vera.get(f"/api/v1/exports/{made}/download"), 403) == ("export_not_allowed", "")
    assert desk.vera.get(f"/api/v1/exports/{made}").status_code == 200


def test_a_file_of_somebody_who_sees_more_is_not_downloaded_and_ones_own_is(desk: Desk) -> None:
    team = segment(desk.admin)
    desk.limit(**LIMITED)
    whole, own = desk.export(desk.admin, team), desk.export(desk.vera, team)
    answer = desk.vera.get(f"/api/v1/exports/{whole}/download")
    assert refusal(answer, 403) == ("file_not_allowed", "")
    assert all(name in answer.json()["message"] for name in ("`email`", "`born`"))
    assert downloaded(desk.vera, own)[1] == ["a", "a***@mail.ru", "Омск"]
    assert downloaded(desk.admin, own)[1] == ["a", "a***@mail.ru", "Омск"]
    assert downloaded(desk.admin, whole)[1] == ["a", "anna@mail.ru", "Омск", "1990-01-31"]
    manifest = desk.vera.get(f"/api/v1/exports/{own}").json()["manifest"]
    assert manifest["left_out_columns"] == ["born"]
    desk.limit(fields={"crm": {"email": "hidden"}})  # the mask was allowed, and is no longer
    assert refusal(desk.vera.get(f"/api/v1/exports/{own}/download"), 403) == ("file_not_allowed", "")


def test_a_file_of_others_that_shows_nothing_more_is_downloaded(desk: Desk) -> None:
    desk.limit(**LIMITED)
    cities = desk.export(desk.admin, segment(desk.admin, columns=["city"]))
    assert downloaded(desk.vera, cities)[1] == ["a", "Омск"]


def test_a_column_that_is_gone_from_the_data_is_still_held_back(desk: Desk) -> None:
    whole = desk.export(desk.admin, segment(desk.admin))
    desk.limit(**LIMITED)
    for column in ("email", "born"):
        desk.clickhouse.execute(CompiledQuery(f"ALTER TABLE datasets.{desk.table} DROP COLUMN {column}"))
    assert refusal(desk.vera.get(f"/api/v1/exports/{whole}/download"), 403) == ("file_not_allowed", "")
    desk.clickhouse.execute(CompiledQuery(f"DROP TABLE datasets.{desk.table}"))
    assert refusal(desk.vera.get(f"/api/v1/exports/{whole}/download"), 403) == ("file_not_allowed", "")


def test_a_file_of_a_dataset_that_was_closed_is_held_back(desk: Desk) -> None:
    own = desk.export(desk.vera, segment(desk.vera))
    desk.limit(datasets={"crm": False})
    assert refusal(desk.vera.get(f"/api/v1/exports/{own}/download"), 403) == ("file_not_allowed", "")


def test_an_export_with_more_rows_than_allowed_is_not_downloaded_part_by_part_either(desk: Desk) -> None:
    parts = desk.export(desk.admin, segment(desk.admin), export={"split": {"rows": 1}})
    desk.limit(max_rows=2)
    answer = desk.vera.get(f"/api/v1/exports/{parts}/download", params={"file": 1})
    assert refusal(answer, 403) == ("too_many_rows", "")
    desk.limit(max_rows=3)
    assert desk.vera.get(f"/api/v1/exports/{parts}/download", params={"file": 1}).status_code == 307


@pytest.mark.parametrize("layer", [{"fields": {"crm": {"born": "hidden"}}}, {"sensitive": "masked"}])
def test_what_files_are_split_by_is_not_told_where_it_may_be_hidden(desk: Desk, layer: dict[str, Any]) -> None:
    team = segment(desk.admin)
    made = desk.export(desk.admin, team, export={"split": {"field": "born"}})
    everywhere = (
        f"/api/v1/exports/{made}",
        f"/api/v1/exports/{made}/manifest",
        f"/api/v1/segments/{team}/exports",
        f"/api/v1/segments/{team}",
        "/api/v1/segments",
    )
    for path in everywhere:
        assert ("1990-01-31" in desk.admin.get(path).text) == ("1990-01-31" in desk.vera.get(path).text)
    assert "1990-01-31" in desk.admin.get(everywhere[0]).text
    desk.limit(**layer)
    for path in everywhere:
        assert "1990-01-31" not in desk.vera.get(path).text, path
    files = desk.vera.get(everywhere[0]).json()["files"]
    assert [(file["name"], file["value"], file["rows"]) for file in files] == [
        ("1.csv", None, 1),
        ("2.csv", None, 1),
        ("3.csv", None, 1),
    ]
    cities = desk.export(desk.admin, team, export={"split": {"field": "city"}})
    told = "Омск" in desk.vera.get(f"/api/v1/exports/{cities}").text
    assert told == ("fields" in layer)  # of what is sensitive only ClickHouse knows, which lists do without


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
