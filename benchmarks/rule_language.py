"""Rules beside hand-written ClickHouse queries for the same questions, and what compiling a rule costs.

Twenty-five million rows of a million users, once sorted by user and once by date, on the embedded server. Every variant
is run in turn, round after round, so that a busy machine slows all of them. Prints medians and ratios.
Usage: python -m benchmarks.rule_language [users] [rounds]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segmentator_dagster.compiler.audience import asked_of_data, compile_audience, count_of_placed
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import KnownList, Library
from segmentator_dagster.embedded.demo import create_demo
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import clickhouse

ZONE = "Europe/Moscow"
MOMENT = datetime(2026, 10, 31, 9, tzinfo=UTC)
PART = str(uuid.UUID(int=1))
LISTS = "segmentator"

Json = dict[str, Any]


def dataset(name: str, time_field: str, **types: str) -> Dataset:
    fields = tuple(Field(column, field_type(type_), type_, is_nullable(type_)) for column, type_ in types.items())
    return Dataset(name, "datasets", name, "user_id", time_field, fields)


ACTIVITY = {"user_id": "String", "date": "Date", "platform_main": "String", "cohort": "Date"}
CATALOGUE = Catalogue(
    {
        "user_activity": dataset("user_activity", "date", **ACTIVITY),
        "by_date": dataset("by_date", "date", **ACTIVITY),
        "payments": dataset("payments", "at", user_id="String", at="DateTime", amount="Float64", sku="String"),
    }
)
LIBRARY = Library(lists={1: KnownList(1, "a million ids", (PART,))})


def main() -> None:
    users = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    compiling()
    with tempfile.TemporaryDirectory() as folder, clickhouse(Path(folder), reader_seconds=120) as server:
        admin = ClickHouse(server.admin_url)
        rows = fill(admin, users)
        print(f"\n{rows:,} rows of {users:,} users; medians of {rounds} rounds, ms")
        for base in ("user_activity", "by_date"):
            order = "user" if base == "user_activity" else "date"
            compared(admin, f"five nested conditions, table sorted by {order}", five(base), five_by_hand(base), rounds)
            compared(admin, f"twenty conditions, sorted by {order}", twenty(base), twenty_by_hand(base), rounds)
        compared(admin, "two datasets side by side", two_datasets(), two_datasets_by_hand(), rounds)
        compared(admin, "two datasets apart", apart(), apart_by_hand(), rounds)
        compared(admin, "a list of a million ids", listed(), listed_by_hand(), rounds)
        compared(admin, "100 000 ids inline", inline(), inline_by_hand(), max(3, rounds // 3))
        admin.close()


def compiling() -> None:
    """Reading, checking and compiling a rule of the greatest size."""

    def conditions(number: int) -> list[Json]:
        dated = {"field": "date", "operator": "inLast", "value": {"count": 1 + number, "unit": "day"}}
        return [platform(f"platform {number}"), dated]

    activities = [
        activity("user_activity", conditions(number), operator=">=", value=1 + number % 3) for number in range(49)
    ]
    tree = {"kind": "group", "combinator": "and", "rules": activities, "not": True}
    seconds = []
    for _ in range(60):
        start = time.perf_counter()
        rule = parse_rule(tree, default_dataset="user_activity")
        statement = compile_audience(rule, CATALOGUE, "user_activity", ZONE, MOMENT)
        compile_statement(statement)
        seconds.append(time.perf_counter() - start)
    print(f"reading, checking and compiling a rule of 197 nodes: {statistics.median(seconds) * 1000:.1f} ms")


def fill(admin: ClickHouse, users: int) -> int:
    made = create_demo(admin, "datasets", users)
    for sql in (
        "CREATE TABLE datasets.by_date ENGINE = MergeTree ORDER BY date AS SELECT * FROM datasets.user_activity",
        """CREATE TABLE datasets.payments ENGINE = MergeTree ORDER BY (user_id, at) AS
        SELECT user_id, toDateTime(date) + cityHash64(user_id, date) % 86400 AS at,
               (cityHash64(user_id, date, 1) % 100000) / 100 AS amount,
               ['a', 'b', 'c', 'd'][1 + cityHash64(date, user_id) % 4] AS sku
        FROM datasets.user_activity WHERE cityHash64(user_id, date, 2) % 4 = 0""",
        f"CREATE TABLE {LISTS}.list_items (part UUID, value String) ENGINE = MergeTree ORDER BY (part, value)",
        f"""INSERT INTO {LISTS}.list_items
        SELECT '{PART}', 'u' || leftPad(toString(number * 2), 7, '0') FROM numbers(1000000)""",
    ):
        admin.execute(CompiledQuery(sql))
    return made.rows


def compared(
    admin: ClickHouse, title: str, rule: Json, by_hand: Mapping[str, str | CompiledQuery], rounds: int
) -> None:
    base = rule.get("base", "user_activity")
    parsed = parse_rule(rule["rule"], default_dataset=base)
    asked = asked_of_data(parsed, CATALOGUE, base, ZONE, MOMENT, library=LIBRARY)
    queries: dict[str, CompiledQuery] = {"this rule": count_of_placed(asked, CATALOGUE, base, LISTS)}
    queries |= {name: CompiledQuery(sql) if isinstance(sql, str) else sql for name, sql in by_hand.items()}
    times: dict[str, list[float]] = {name: [] for name in queries}
    answers: dict[str, int] = {}
    for _ in range(rounds + 1):
        for name, query in queries.items():
            start = time.perf_counter()
            answers[name] = admin.scalar(query)
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    assert len(set(answers.values())) == 1, answers
    print(f"\n{title}: {answers['this rule']:,} users")
    for name, seconds in medians.items():
        ratio = "" if name == "this rule" else f"   rule ÷ this: {medians['this rule'] / seconds:.2f}"
        print(f"  {name:<42} {seconds * 1000:8.1f}{ratio}")


def activity(base: str, conditions: list[Json], **keys: Any) -> Json:
    return {"kind": "activity", "dataset": base, "where": {"combinator": "and", "rules": conditions}, **keys}


def group(combinator: str, *rules: Json, **keys: Any) -> Json:
    return {"kind": "group", "combinator": combinator, "rules": list(rules), **keys}


def platform(name: str) -> Json:
    return {"field": "platform_main", "operator": "=", "value": name}


def since(day: str) -> Json:
    return {"field": "date", "operator": ">=", "value": day}


def five(base: str) -> Json:
    rule = group(
        "and",
        activity(base, [platform("ios"), since("2026-10-01")]),
        group("or", activity(base, [platform("web")]), activity(base, [platform("android")])),
        activity(base, [platform("huawei")], **{"not": True}),
        {"kind": "activity", "dataset": base, "operator": ">=", "value": 5},
    )
    return {"base": base, "rule": rule}


def five_by_hand(base: str) -> Mapping[str, str]:
    table = f"datasets.{base}"
    ios, web, android, huawei = (
        "platform_main = 'ios' AND date >= '2026-10-01'",
        *(f"platform_main = '{name}'" for name in ("web", "android", "huawei")),
    )
    users = f"SELECT user_id FROM {table}"
    return {
        "GROUP BY … HAVING countIf": f"""SELECT count() FROM ({users} GROUP BY user_id HAVING countIf({ios}) > 0
            AND (countIf({web}) > 0 OR countIf({android}) > 0) AND countIf({huawei}) = 0 AND count() >= 5)""",
        "GROUP BY … HAVING max": f"""SELECT count() FROM ({users} GROUP BY user_id HAVING max({ios})
            AND (max({web}) OR max({android})) AND NOT max({huawei}) AND count() >= 5)""",
        "IN (SELECT …) for each": f"""SELECT count() FROM ({users} WHERE user_id IN ({users} WHERE {ios})
            AND user_id IN ({users} WHERE {web} OR {android}) AND user_id NOT IN ({users} WHERE {huawei})
            GROUP BY user_id HAVING count() >= 5)""",
        "INTERSECT and EXCEPT": f"""SELECT count() FROM ({users} WHERE {ios} INTERSECT DISTINCT
            {users} WHERE {web} OR {android} INTERSECT DISTINCT {users} GROUP BY user_id HAVING count() >= 5
            EXCEPT DISTINCT {users} WHERE {huawei})""",
    }


def twenty(base: str) -> Json:
    pairs = [
        group("or", *(activity(base, [platform(name), since(f"2026-{month:02}-01")]) for name in ("ios", "web")))
        for month in range(1, 11)
    ]
    return {"base": base, "rule": group("and", *pairs)}


def twenty_by_hand(base: str) -> Mapping[str, str]:
    def condition(name: str, month: int) -> str:
        return f"platform_main = '{name}' AND date >= '2026-{month:02}-01'"

    def having(form: str) -> str:
        pairs = (" OR ".join(form.format(condition(name, month)) for name in ("ios", "web")) for month in range(1, 11))
        return " AND ".join(f"({pair})" for pair in pairs)

    users = f"SELECT user_id FROM datasets.{base} GROUP BY user_id"
    return {
        "GROUP BY … HAVING countIf": f"SELECT count() FROM ({users} HAVING {having('countIf({}) > 0')})",
        "GROUP BY … HAVING max": f"SELECT count() FROM ({users} HAVING {having('max({})')})",
    }


BIG, TEA = "amount > 990", "sku = 'a'"
USERS = "SELECT user_id FROM datasets.user_activity"
PAYERS = "SELECT user_id FROM datasets.payments"


def money(operator: str, value: float, field: str = "amount") -> Json:
    return {"field": field, "operator": operator, "value": value}


def spent(total: int) -> Json:
    aggregate = {"function": "sum", "field": "amount"}
    return {"kind": "activity", "dataset": "payments", "aggregate": aggregate, "operator": ">=", "value": total}


def two_datasets() -> Json:
    tea = {"field": "sku", "operator": "=", "value": "a"}
    rule = group(
        "and",
        activity("user_activity", [platform("ios")]),
        spent(1000),
        activity("payments", [money(">", 990)]),
        activity("payments", [tea], operator="=", value=0),
    )
    return {"rule": rule}


def two_datasets_by_hand() -> Mapping[str, str]:
    return {
        "IN (one GROUP BY … HAVING)": f"""SELECT uniqExact(user_id) FROM datasets.user_activity
            WHERE platform_main = 'ios' AND user_id IN ({PAYERS} GROUP BY user_id
            HAVING sum(amount) >= 1000 AND max({BIG}) AND NOT max({TEA}))""",
        "IN (SELECT …) for each": f"""SELECT uniqExact(user_id) FROM datasets.user_activity WHERE platform_main = 'ios'
            AND user_id IN ({PAYERS} GROUP BY user_id HAVING sum(amount) >= 1000) AND user_id IN ({PAYERS} WHERE {BIG})
            AND user_id NOT IN ({PAYERS} WHERE {TEA})""",
    }


def apart() -> Json:
    tea = {"field": "sku", "operator": "=", "value": "a"}
    rule = group(
        "or",
        group("and", activity("user_activity", [platform("ios")]), activity("payments", [money(">", 990)])),
        group("and", activity("user_activity", [platform("web")]), spent(3000)),
        group(
            "and", activity("user_activity", [since("2026-10-01")]), activity("payments", [tea], operator="=", value=0)
        ),
    )
    return {"rule": rule}


def apart_by_hand() -> Mapping[str, str]:
    facts = """SELECT user_id, max(platform_main = 'ios') AS ios, max(platform_main = 'web') AS web,
            max(date >= '2026-10-01') AS new FROM datasets.user_activity GROUP BY user_id"""
    return {
        "IN (SELECT …) for each": f"""SELECT count() FROM ({facts}) WHERE (ios AND user_id IN ({PAYERS} WHERE {BIG}))
            OR (web AND user_id IN ({PAYERS} GROUP BY user_id HAVING sum(amount) >= 3000))
            OR (new AND user_id NOT IN ({PAYERS} WHERE {TEA}))""",
        "JOIN of two GROUP BYs": f"""SELECT count() FROM ({facts}) AS u LEFT JOIN (SELECT user_id, max({BIG}) AS big,
            sum(amount) AS total, max({TEA}) AS tea FROM datasets.payments GROUP BY user_id) AS p
            ON p.user_id = u.user_id WHERE (ios AND big) OR (web AND total >= 3000) OR (new AND NOT tea)""",
    }


def listed() -> Json:
    return {
        "rule": group("and", activity("user_activity", [platform("ios")]), {"kind": "list", "list_id": 1, "not": True})
    }


def listed_by_hand() -> Mapping[str, str]:
    ids = f"SELECT value FROM {LISTS}.list_items WHERE part = '{PART}'"
    return {
        "NOT IN (SELECT …) over users": f"""SELECT count() FROM ({USERS} WHERE platform_main = 'ios' GROUP BY user_id)
            WHERE user_id NOT IN ({ids})""",
        "NOT IN (SELECT …) over rows": f"""SELECT uniqExact(user_id) FROM datasets.user_activity
            WHERE platform_main = 'ios' AND user_id NOT IN ({ids})""",
    }


def hundred_thousand() -> list[str]:
    return [f"u{number:07}" for number in range(0, 300_000, 3)]


def inline() -> Json:
    return {
        "rule": {"combinator": "and", "rules": [{"field": "user_id", "operator": "in", "value": hundred_thousand()}]}
    }


def inline_by_hand() -> Mapping[str, str | CompiledQuery]:
    ids = "SELECT 'u' || leftPad(toString(number * 3), 7, '0') FROM numbers(100000)"
    return {"IN (SELECT …) of the same ids": f"SELECT count() FROM ({USERS} WHERE user_id IN ({ids}) GROUP BY user_id)"}


if __name__ == "__main__":
    main()
