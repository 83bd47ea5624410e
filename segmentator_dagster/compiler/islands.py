"""Rule -> the same rule in which the parts that only look at one other dataset stand as islands.

Conditions on one dataset that are side by side become one island, so that the dataset is scanned once for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import assert_never

from segmentator_dagster.domain.comparisons import holds_of_nothing
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Everyone,
    Group,
    ListMembers,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
)


@dataclass(frozen=True, slots=True)
class Island:
    """A rule that looks at rows of one dataset and at nothing else."""

    dataset: str
    rule: Rule

    @property
    def of_nothing(self) -> bool:
        """Whether a user without rows in the dataset satisfies it."""
        return bool(truth(self.rule, _of_nothing))


@dataclass(frozen=True, slots=True)
class Mixed:
    """A group with islands among its parts."""

    combinator: Combinator
    parts: tuple[Part, ...]
    negated: bool = False


Part = Mixed | Island | Rule


def with_islands(rule: Rule, base_dataset: str) -> Part:
    """Everything that looks at another dataset than the base is inside an island of the result."""
    match rule:
        case Activity() | Sequence() if rule.dataset != base_dataset:
            return Island(rule.dataset, rule)
        case Group():
            parts = tuple(_merged(rule, [with_islands(child, base_dataset) for child in rule.rules]))
            if len(parts) == 1 and isinstance(parts[0], Island):
                island = parts[0]
                return replace(island, rule=Group(rule.combinator, (island.rule,), rule.negated))
            return Mixed(rule.combinator, parts, rule.negated)
        case _:
            return rule


def _merged(group: Group, parts: list[Part]) -> Iterator[Part]:
    together: dict[str, list[Rule]] = {}
    for part in parts:
        if isinstance(part, Island):
            together.setdefault(part.dataset, []).append(part.rule)
        else:
            yield part
    for dataset, rules in together.items():
        yield Island(dataset, rules[0] if len(rules) == 1 else Group(group.combinator, tuple(rules)))


def islands_of(part: Part) -> Iterator[Island]:
    """The islands of a part, left to right."""
    if isinstance(part, Island):
        yield part
    elif isinstance(part, Mixed):
        for inner in part.parts:
            yield from islands_of(inner)


def leaves_of(part: Part) -> Iterator[Activity | Sequence]:
    """The activities and sequences outside of islands, left to right."""
    if isinstance(part, Activity | Sequence):
        yield part
    elif isinstance(part, Mixed):
        for inner in part.parts:
            yield from leaves_of(inner)


def truth(part: Part, of_leaf: Callable[[Activity | Sequence], bool | None]) -> bool | None:
    """Whether the part holds, where that follows from what is known of its leaves; None where it does not."""
    match part:
        case Activity() | Sequence():
            return of_leaf(part)
        case Everyone():
            return not part.negated
        case Mixed():
            return _joined(part.combinator, [truth(inner, of_leaf) for inner in part.parts], negated=part.negated)
        case Group():
            return _joined(part.combinator, [truth(child, of_leaf) for child in part.rules], negated=part.negated)
        case Island() | SegmentMembers() | ListMembers() | Sample() | Top():
            return None
        case _:
            assert_never(part)


def _joined(combinator: Combinator, parts: list[bool | None], *, negated: bool) -> bool | None:
    deciding = combinator is Combinator.OR
    if deciding in parts:
        return deciding != negated
    return None if None in parts else deciding == negated


def holds_without_rows(part: Part) -> bool | None:
    """Whether a user none of whose rows match anything belongs to it, whatever is true of the rest."""
    return truth(part, _of_nothing)


def _of_nothing(leaf: Activity | Sequence) -> bool:
    return leaf.negated if isinstance(leaf, Sequence) else holds_of_nothing(leaf)
