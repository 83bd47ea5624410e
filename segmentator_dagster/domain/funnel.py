"""Rule -> its conditions one after the other: the rule so far, and each condition alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from segmentator_dagster.domain.errors import pointer_to
from segmentator_dagster.domain.rule import Activity, Group, RowGroup, RowRule, Rule


@dataclass(frozen=True, slots=True)
class Step:
    """One condition. `pointer` leads to it in the explicit JSON of the rule, `depth` says how many groups it is in.

    `so_far` is the rule with nothing that comes after it, `alone` the rule of this condition only. `row` is set where
    it is a condition on the rows of `alone`, an activity.
    """

    pointer: str
    depth: int
    so_far: Rule
    alone: Rule
    row: RowRule | None = None


def funnel(rule: Rule) -> tuple[Step, ...]:
    """The steps of a rule, outer before inner, in the order they were written; the last outer one is the whole rule.

    Groups under `not`, and activities under it, are one condition: what is left of them says nothing.
    """
    inner = tuple(_inside(rule, "", 0, lambda part: part))
    return inner or (Step("", 0, rule, rule),)


def _inside(rule: Rule, pointer: str, depth: int, so_far: Callable[[Rule], Rule]) -> Iterator[Step]:
    match rule:
        case Group(negated=False):
            for index, child in enumerate(rule.rules):
                before = rule.rules[:index]
                at = pointer_to(pointer, "rules", index)
                with_child = _joined(rule, before, so_far)
                yield Step(at, depth, with_child(child), child)
                yield from _inside(child, at, depth + 1, with_child)
        case Activity(negated=False, where=RowGroup(negated=False) as where) if len(where.rules) > 1:
            for index, row in enumerate(where.rules):
                at = pointer_to(pointer, "where", "rules", index)
                narrowed = replace(rule, where=replace(where, rules=where.rules[: index + 1]))
                alone = replace(rule, where=replace(where, rules=(row,)))
                yield Step(at, depth, so_far(narrowed), alone, row)
        case _:
            return


def _joined(group: Group, before: tuple[Rule, ...], so_far: Callable[[Rule], Rule]) -> Callable[[Rule], Rule]:
    """A child, joined with those before it, in what surrounds the group."""
    return lambda child: so_far(replace(group, rules=(*before, child)))
