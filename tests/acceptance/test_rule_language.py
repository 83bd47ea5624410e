"""Questions of a marketer about real customers: the number, the file and the reasons agree with plain Python."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from tests.acceptance import purchases
from tests.acceptance.purchases import DATASET, QUESTIONS, STRANGERS, Customers, Json
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.acceptance

FRAGILE = "fragile"
PARIS = {"combinator": "and", "rules": [{"field": "city", "operator": "=", "value": "Paris"}]}


def load(stack: Stack, path: Any, dataset: str, *more: str) -> None:
    loaded = stack.command("load", str(path), "--dataset", dataset, "--user-key", "user_id", *more)
    assert loaded.returncode == 0, loaded.stderr


def asked(stack: Stack, question: str, rule: Json, **more: Any) -> Json:
    answer: Json = stack.call("POST", f"/rules/{question}", json={"rule": rule, "dataset": DATASET, **more})
    return answer


def exported(stack: Stack, segment: Json) -> list[str]:
    """The ids in the file of a segment."""
    export = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    header, *rows = csv.reader(io.StringIO(stack.file_of(export).decode("utf-8"), newline=""))
    assert header == ["user_id", "date"]
    return [row[0] for row in rows]


@pytest.fixture(scope="package")
def fragile(stack: Stack) -> Json:
    """A segment over a column that somebody drops from its table."""
    path = stack.data_dir.parent / "fragile.csv"
    path.write_text("user_id,city\nu1,Paris\nu2,Oslo\nu3,Paris\n")
    load(stack, path, FRAGILE)
    segment = stack.create("Paris", PARIS, dataset=FRAGILE)
    answer = stack.call("POST", "/rules/count", json={"rule": PARIS, "dataset": FRAGILE})
    assert (answer["count"], segment["broken"]) == (2, None)
    with stack.clickhouse() as clickhouse:
        clickhouse.execute(CompiledQuery(f"ALTER TABLE datasets.{FRAGILE} DROP COLUMN city"))
    return segment


@pytest.fixture(scope="package")
def customers(stack: Stack, fragile: Json) -> Customers:
    load(stack, purchases.FILE, DATASET, "--time", "date")
    read = purchases.read_purchases()
    body = "Клиент;user_id\r\n" + "".join(f"{n};{user}\r\n" for n, user in enumerate(purchases.listed(read)))
    body += "".join(f"нет;{stranger}\r\n" for stranger in STRANGERS)
    uploaded = stack.call(
        "POST",
        "/lists",
        201,
        params={"name": "Закрытая группа", "dataset": DATASET, "column": "user_id"},
        content=body.encode("cp1251"),
        headers={"Content-Type": "text/csv"},
    )
    assert (uploaded["matched"], uploaded["unmatched"]) == (len(purchases.listed(read)), len(STRANGERS))
    big_spenders = stack.create("Много потратили", purchases.BIG_SPENDERS, dataset=DATASET)
    return Customers(read, uploaded["id"], big_spenders["id"])


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_the_count_the_last_step_of_the_funnel_and_the_file_are_what_plain_python_finds(
    stack: Stack, customers: Customers, question: Any
) -> None:
    rule, expected = question(customers)
    assert 0 < len(expected) < len(customers.purchases)
    assert asked(stack, "count", rule)["count"] == len(expected)
    funnel = asked(stack, "funnel", rule)
    assert funnel["total"] == len(customers.purchases)
    assert [step for step in funnel["steps"] if step["depth"] == 0][-1]["remaining"] == len(expected)
    segment = stack.create(question.__name__, rule, dataset=DATASET, columns=["date"])
    assert exported(stack, segment) == sorted(expected)


def test_two_halves_of_a_sample_are_disjoint_and_add_up(stack: Stack, customers: Customers) -> None:
    halves = [purchases.half_a(customers)[0], purchases.half_b(customers)[0]]
    counts = [asked(stack, "count", rule)["count"] for rule in halves]
    assert asked(stack, "count", purchases.both(*halves))["count"] == 0
    everyone = asked(stack, "count", purchases.both(*halves, combinator="or"))["count"]
    assert everyone == sum(counts) == asked(stack, "count", purchases.BOUGHT_IN_1998)["count"]
    assert 0.45 < counts[0] / everyone < 0.55


def test_a_funnel_says_what_each_condition_leaves_and_keeps(stack: Stack, customers: Customers) -> None:
    rule, expected = purchases.in_the_segment_and_not_on_the_list(customers)
    big = customers.who(lambda them: purchases.spent(them) >= 500)
    in_1998 = customers.who(purchases.bought_in(1998))
    others = set(customers.purchases) - set(purchases.listed(customers.purchases))
    steps = asked(stack, "funnel", rule)["steps"]
    assert [(step["pointer"], step["remaining"], step["alone"]) for step in steps] == [
        ("/rule/rules/0", len(big), len(big)),
        ("/rule/rules/1", len(big & others), len(others)),
        ("/rule/rules/2", len(expected), len(in_1998)),
    ]
    assert "«Много потратили»" in steps[0]["sentence"]["ru"]


def test_a_breakdown_counts_the_latest_values_of_members_and_of_everyone(stack: Stack, customers: Customers) -> None:
    rule, members = purchases.at_least_five_times(customers)
    latest = {user: max((one.day, one.quantity) for one in bought)[1] for user, bought in customers.purchases.items()}
    of_members, of_all = Counter(latest[user] for user in members), Counter(latest.values())
    found = asked(stack, "breakdown", rule, field="quantity", limit=1000)
    assert (found["members"], found["users"], found["more_values"]) == (len(members), len(latest), 0)
    assert {one["value"]: (one["members"], one["users"]) for one in found["values"]} == {
        value: (of_members[value], of_all[value]) for value in of_all
    }
    assert [one["members"] for one in found["values"]] == sorted(of_members.values(), reverse=True) + [0] * (
        len(of_all) - len(of_members)
    )


def test_values_are_the_most_frequent_that_begin_so(stack: Stack, customers: Customers) -> None:
    rows = Counter(one.quantity for bought in customers.purchases.values() for one in bought)
    expected = sorted((value for value in rows if str(value).startswith("1")), key=lambda value: -rows[value])
    found = stack.call("GET", f"/datasets/{DATASET}/fields/quantity/values", params={"prefix": "1", "limit": 5})
    assert [(one["value"], one["rows"]) for one in found["items"]] == [(one, rows[one]) for one in expected[:5]]


def test_an_imported_rule_file_is_the_same_audience(stack: Stack, customers: Customers) -> None:
    rule, expected = purchases.in_the_segment_and_not_on_the_list(customers)
    segment = stack.create("в файл", rule, dataset=DATASET)
    file = stack.call("GET", f"/segments/{segment['id']}/rule-file")
    assert file["references"] == {
        "segments": {str(customers.big_spenders_id): "Много потратили"},
        "lists": {str(customers.list_id): "Закрытая группа"},
    }
    imported = stack.call("POST", "/segments/import", 201, json=file, params={"name": "из файла"})
    assert imported["rule"] == segment["rule"]
    assert asked(stack, "count", imported["rule"])["count"] == len(expected)


def test_a_segment_and_a_list_in_use_are_not_deleted(stack: Stack, customers: Customers) -> None:
    rule, _ = purchases.in_the_segment_and_not_on_the_list(customers)
    user = stack.create("пользуется", rule, dataset=DATASET)
    for path in (f"/segments/{customers.big_spenders_id}", f"/lists/{customers.list_id}"):
        refused = stack.call("DELETE", path, 409)
        assert refused["code"] in ("segment_in_use", "list_in_use")
        assert {"id": user["id"], "name": "пользуется"} in refused["used_by"]
        assert stack.call("GET", path)["used_by"] == refused["used_by"]


def test_a_dropped_column_breaks_the_segment_and_its_export_says_why(stack: Stack, fragile: Json) -> None:
    path = f"/segments/{fragile['id']}"
    refused = stack.call("POST", "/rules/count", 422, json={"rule": PARIS, "dataset": FRAGILE})
    assert (refused["code"], refused["pointer"]) == ("unknown_field", "/rule/rules/0/field")
    export = stack.ended(stack.export(fragile["id"], "csv")[0]["id"])
    assert (export["status"], export["error"]["code"]) == ("failed", "segment_broken")
    assert "city" in export["error"]["message"]
    broken = stack.wait(lambda: stack.call("GET", path)["broken"])
    assert [(one["code"], one["pointer"]) for one in broken["problems"]] == [
        ("unknown_field", "/rule/where/rules/0/field")
    ]
    listed = stack.call("GET", "/segments", params={"broken": True})["items"]
    assert fragile["id"] in [one["id"] for one in listed]
