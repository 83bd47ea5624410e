from __future__ import annotations

from typing import Any

import pytest

from tests.api.shop import EVERYONE, NO_ONE, VIP, Shop, activity, city, group, rows


def test_funnel_shows_what_each_condition_leaves_and_keeps(shop: Shop) -> None:
    rule = group(activity(city("Москва", "Минск", "москва")), activity(VIP))
    found = shop.ask("funnel", rule)
    assert found["total"] == 4
    steps = [(step["pointer"], step["depth"], step["remaining"], step["alone"]) for step in found["steps"]]
    assert steps == [("/rule/rules/0", 0, 3, 3), ("/rule/rules/1", 0, 1, 2)]
    assert [step["sentence"]["ru"] for step in found["steps"]] != [step["sentence"]["en"] for step in found["steps"]]
    assert "vip" in found["steps"][1]["sentence"]["en"]


def test_funnel_finds_the_condition_that_empties_a_row(shop: Shop) -> None:
    """Both conditions have users, and no row satisfies both."""
    found = shop.ask("funnel", rows(city("Минск"), VIP))
    steps = [(step["pointer"], step["depth"], step["remaining"], step["alone"]) for step in found["steps"]]
    assert steps == [("/rule/rules/0", 0, 1, 1), ("/rule/rules/1", 0, 0, 2)]


def test_funnel_points_into_the_request_however_the_rule_is_written(shop: Shop) -> None:
    conditions = city("Минск"), {"field": "big", "operator": ">", "value": 0}
    bare, explicit = shop.ask("funnel", rows(*conditions)), shop.ask("funnel", activity(*conditions))
    assert [step["pointer"] for step in bare["steps"]] == ["/rule/rules/0", "/rule/rules/1"]
    assert [step["pointer"] for step in explicit["steps"]] == ["/rule/where/rules/0", "/rule/where/rules/1"]
    assert [step["remaining"] for step in bare["steps"]] == [step["remaining"] for step in explicit["steps"]]


@pytest.mark.parametrize(
    "rule",
    [
        EVERYONE,
        rows(city("Москва")),
        rows(city("Москва"), city("Минск"), combinator="or"),
        activity(city("Москва"), **{"not": True}),
        group(activity(city("Москва")), group(EVERYONE, NO_ONE, combinator="or"), activity(city("Минск"))),
        group(group(activity(city("Минск")), **{"not": True}), activity(city("Минск")), combinator="or"),
        group({"kind": "sample", "from": 0, "to": 50, "seed": "x"}, activity(city("Москва"), city("Минск"))),
    ],
)
def test_the_last_outer_step_is_the_count(shop: Shop, rule: Any) -> None:
    steps = shop.ask("funnel", rule)["steps"]
    outer = [step for step in steps if step["depth"] == 0]
    assert outer[-1]["remaining"] == shop.ask("count", rule)["count"]


def test_rules_of_one_fingerprint_have_funnels_of_their_own(shop: Shop) -> None:
    first, second = activity(city("Москва")), activity({"field": "tags", "operator": "has", "value": "new"})
    one, other = shop.ask("funnel", group(first, second)), shop.ask("funnel", group(second, first))
    assert [step["remaining"] for step in one["steps"]] == [2, 1]
    assert [step["remaining"] for step in other["steps"]] == [1, 1]
    assert not other["cached"]
