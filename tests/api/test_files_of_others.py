"""Files of others, held against the access of whoever wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.api.conftest import Stack
from tests.api.desk import LIMITED, Desk, downloaded, open_desk, refusal, segment
from tests.servers.clickhouse import ClickHouseServer


@pytest.fixture
def desk(make_stack: Callable[..., Stack], admin: ClickHouse, clickhouse_server: ClickHouseServer) -> Iterator[Desk]:
    with open_desk(make_stack, admin, clickhouse_server) as opened:
        yield opened


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


def test_the_log_says_which_file_was_taken_and_no_value_it_was_split_by(desk: Desk) -> None:
    made = desk.export(desk.admin, segment(desk.admin), export={"split": {"field": "born"}})
    files = desk.admin.get(f"/api/v1/exports/{made}").json()["files"]
    assert any("1990-01-31" in file["name"] for file in files)
    for number in range(1, len(files) + 1):
        assert desk.admin.get(f"/api/v1/exports/{made}/download", params={"file": number}).status_code == 307
    log = desk.admin.get("/api/v1/audit", params={"event": "export.download"})
    assert [entry["after"] for entry in log.json()["items"]] == [{"file": n, "rows": 1} for n in (3, 2, 1)]
    assert "1990-01-31" not in log.text
