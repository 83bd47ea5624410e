"""Real purchases as plain Python reads them, and questions about their customers with the answers it gives."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import xxhash

FILE = Path(__file__).parents[1] / "data" / "cdnow.csv.gz"
DATASET = "purchases"
STRANGERS = ("nobody", "99999")

Json = dict[str, Any]
Answer = set[str]


@dataclass(frozen=True)
class Purchase:
    day: date
    quantity: int
    amount: Decimal


@dataclass(frozen=True)
class Customers:
    """Everyone who bought, with all purchases in the order of the file; and what rules may refer to."""

    purchases: Mapping[str, tuple[Purchase, ...]]
    list_id: int
    big_spenders_id: int

    def who(self, satisfies: Callable[[tuple[Purchase, ...]], bool]) -> Answer:
        return {user for user, purchases in self.purchases.items() if satisfies(purchases)}


def read_purchases() -> Mapping[str, tuple[Purchase, ...]]:
    found: dict[str, list[Purchase]] = defaultdict(list)
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            day, quantity, amount = date.fromisoformat(row["date"]), int(row["quantity"]), Decimal(row["amount"])
            found[row["user_id"]].append(Purchase(day, quantity, amount))
    return {user: tuple(purchases) for user, purchases in found.items()}


def listed(purchases: Mapping[str, tuple[Purchase, ...]]) -> list[str]:
    """Every seventh customer."""
    return sorted(purchases)[::7]


def spent(purchases: tuple[Purchase, ...]) -> Decimal:
    return sum((one.amount for one in purchases), Decimal())


def bought_in(year: int) -> Callable[[tuple[Purchase, ...]], bool]:
    return lambda purchases: any(one.day.year == year for one in purchases)


def share(start: int, end: int, seed: str) -> Callable[[str], bool]:
    """Whether a user is in this percentage, as the documentation of `sample` defines it."""
    return lambda user: start <= xxhash.xxh64_intdigest(f"{seed}:{user}".encode()) % 1_000_000 / 10_000 < end


# --- rules ------------------------------------------------------------------------------------------------------


def bought(*conditions: Json, **more: Any) -> Json:
    where = {"where": {"combinator": "and", "rules": list(conditions)}} if conditions else {}
    return {"kind": "activity", "dataset": DATASET, **where, **more}


def both(*rules: Json, combinator: str = "and", **more: Any) -> Json:
    return {"kind": "group", "combinator": combinator, "rules": list(rules), **more}


def half(start: int, end: int) -> Json:
    return {"kind": "sample", "from": start, "to": end, "seed": "spring"}


SPENDING = {"function": "sum", "field": "amount"}
BIG_SPENDERS = bought(aggregate=SPENDING, operator=">=", value=500)
IN_1998 = {"operator": "between", "value": ["1998-01-01", "1998-12-31"]}
BOUGHT_IN_1998 = bought(window=IN_1998)


# --- questions --------------------------------------------------------------------------------------------------


def at_least_five_times(all_: Customers) -> tuple[Json, Answer]:
    return bought(operator=">=", value=5), all_.who(lambda purchases: len(purchases) >= 5)


def on_at_least_five_days(all_: Customers) -> tuple[Json, Answer]:
    rule = bought(aggregate={"function": "days"}, operator=">=", value=5)
    return rule, all_.who(lambda purchases: len({one.day for one in purchases}) >= 5)


def spent_at_least_500(all_: Customers) -> tuple[Json, Answer]:
    return BIG_SPENDERS, all_.who(lambda purchases: spent(purchases) >= 500)


def first_bought_in_february_1997(all_: Customers) -> tuple[Json, Answer]:
    rule = bought(aggregate={"function": "first"}, operator="between", value=["1997-02-01", "1997-02-28"])
    first = date(1997, 2, 1), date(1997, 2, 28)
    return rule, all_.who(lambda purchases: first[0] <= min(one.day for one in purchases) <= first[1])


def twice_within_thirty_days(all_: Customers) -> tuple[Json, Answer]:
    rule = {"kind": "sequence", "dataset": DATASET, "steps": [{}, {}], "within": {"count": 30, "unit": "day"}}

    def came_back(purchases: tuple[Purchase, ...]) -> bool:
        days = sorted({one.day for one in purchases})
        return any(later - earlier <= timedelta(days=30) for earlier, later in pairwise(days))

    return rule, all_.who(came_back)


def did_not_buy_in_1998(all_: Customers) -> tuple[Json, Answer]:
    return bought(window=IN_1998, operator="=", value=0), all_.who(lambda purchases: not bought_in(1998)(purchases))


def much_at_once_but_not_in_1998(all_: Customers) -> tuple[Json, Answer]:
    """One row that is both: ten pieces, and for less than 100."""
    at_once = [
        {"field": "quantity", "operator": ">=", "value": 10},
        {"field": "amount", "operator": "<", "value": 100},
    ]
    rule = both(bought(*at_once), {**BOUGHT_IN_1998, "not": True})
    return rule, all_.who(
        lambda purchases: (
            any(one.quantity >= 10 and one.amount < 100 for one in purchases) and not bought_in(1998)(purchases)
        )
    )


def on_the_list_and_twice(all_: Customers) -> tuple[Json, Answer]:
    rule = both({"kind": "list", "list_id": all_.list_id}, bought(operator=">=", value=2))
    return rule, all_.who(lambda purchases: len(purchases) >= 2) & set(listed(all_.purchases))


def in_the_segment_and_not_on_the_list(all_: Customers) -> tuple[Json, Answer]:
    rule = both(
        {"kind": "segment", "segment_id": all_.big_spenders_id},
        {"kind": "list", "list_id": all_.list_id, "not": True},
        BOUGHT_IN_1998,
    )
    big = all_.who(lambda purchases: spent(purchases) >= 500)
    return rule, big & all_.who(bought_in(1998)) - set(listed(all_.purchases))


def half_a(all_: Customers) -> tuple[Json, Answer]:
    return both(BOUGHT_IN_1998, half(0, 50)), set(filter(share(0, 50, "spring"), all_.who(bought_in(1998))))


def half_b(all_: Customers) -> tuple[Json, Answer]:
    return both(BOUGHT_IN_1998, half(50, 100)), set(filter(share(50, 100, "spring"), all_.who(bought_in(1998))))


def top_hundred_by_spending(all_: Customers) -> tuple[Json, Answer]:
    rule = {"kind": "top", "count": 100, "order": "desc", "dataset": DATASET, "aggregate": SPENDING}
    by_spending = sorted(all_.purchases, key=lambda user: (-spent(all_.purchases[user]), user))
    return rule, set(by_spending[:100])


QUESTIONS = (
    at_least_five_times,
    on_at_least_five_days,
    spent_at_least_500,
    first_bought_in_february_1997,
    twice_within_thirty_days,
    did_not_buy_in_1998,
    much_at_once_but_not_in_1998,
    on_the_list_and_twice,
    in_the_segment_and_not_on_the_list,
    half_a,
    half_b,
    top_hundred_by_spending,
)
