"""References to segments and lists -> one rule that stands alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar, assert_never

from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.operators import OPERATORS, Test
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
    Value,
)

RowsNode = TypeVar("RowsNode", bound="Activity | Sequence | Top")
"""A node that looks at rows of a dataset."""
Compared = TypeVar("Compared", bound="Activity | Condition")


@dataclass(frozen=True, slots=True)
class KnownSegment:
    """What others need to know of a segment they refer to."""

    id: int
    name: str
    rule: Rule
    dataset: str
    time_zone: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class KnownList:
    """An uploaded list; `parts` are the ids of the batches of values that make it now."""

    id: int
    name: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """Every segment and list that a rule reaches, directly and through others."""

    segments: Mapping[int, KnownSegment] = field(default_factory=dict)
    lists: Mapping[int, KnownList] = field(default_factory=dict)


def segment_ids(rule: Rule) -> Iterator[int]:
    """The segments a rule refers to itself."""
    return (node.segment_id for node in nodes(rule) if isinstance(node, SegmentMembers))


def list_ids(rule: Rule) -> Iterator[int]:
    """The lists a rule refers to itself, in audience nodes and in conditions."""
    for node in nodes(rule):
        if isinstance(node, ListMembers):
            yield node.list_id
        if isinstance(node, Activity):
            yield from _list_in(node.operator, node.value)
        for where in wheres(node):
            for condition in conditions_of(where):
                yield from _list_in(condition.operator, condition.value)


def _list_in(operator: str, value: Value) -> Iterator[int]:
    if isinstance(value, int) and OPERATORS[operator].test is Test.ON_LIST:
        yield value


def dataset_names(rule: Rule) -> Iterator[str]:
    """The datasets a rule reads, its base dataset apart."""
    for node in nodes(rule):
        if isinstance(node, Activity | Sequence | Top):
            yield node.dataset
        if isinstance(node, Top) and node.base is not None:
            yield node.base


def nodes(rule: Rule) -> Iterator[Rule]:
    """Every audience node, outer before inner."""
    yield rule
    if isinstance(rule, Group):
        for child in rule.rules:
            yield from nodes(child)
    elif isinstance(rule, Top):
        yield from nodes(rule.rule)


def wheres(node: Rule) -> Iterator[RowGroup]:
    """The row groups of one node."""
    groups: tuple[RowGroup | None, ...] = ()
    match node:
        case Activity() | Top():
            groups = (node.where,)
        case Sequence():
            groups = node.steps
        case _:
            pass
    return (group for group in groups if group is not None)


def conditions_of(rule: RowRule) -> Iterator[Condition]:
    """The conditions of a row rule, left to right."""
    if isinstance(rule, Condition):
        yield rule
    else:
        for child in rule.rules:
            yield from conditions_of(child)


def expanded(rule: Rule, base_dataset: str, library: Library) -> Rule:
    """The rule with every segment replaced by what it means and every list by its parts.

    The rule must have been checked: an unknown reference is an InternalError, a circle would not end.
    """

    def of_segment(node: SegmentMembers) -> Rule:
        segment = library.segments.get(node.segment_id)
        if segment is None:
            raise InternalError(f"an unchecked rule went on: no segment {node.segment_id}")
        inner = expanded(segment.rule, segment.dataset, library)
        foreign = None if segment.dataset == base_dataset else segment.dataset
        moved = mapped(inner, lambda leaf: _in_zone_and_base(leaf, segment.time_zone, foreign))
        if foreign is None:
            return moved if not node.negated else Group(Combinator.AND, (moved,), negated=True)
        # a segment names users of its own base only
        return Group(Combinator.AND, (Activity(segment.dataset), moved), node.negated)

    def of_list(list_id: int) -> tuple[str, ...]:
        known = library.lists.get(list_id)
        if known is None:
            raise InternalError(f"an unchecked rule went on: no list {list_id}")
        return known.parts

    def leaf(node: Rule) -> Rule:
        match node:
            case SegmentMembers():
                return of_segment(node)
            case ListMembers():
                return replace(node, parts=of_list(node.list_id))
            case Activity():
                return _with_parts(with_conditions(node, lambda one: _with_parts(one, of_list)), of_list)
            case Sequence() | Top():
                return with_conditions(node, lambda condition: _with_parts(condition, of_list))
            case _:
                return node

    return mapped(rule, leaf)


def _with_parts(compared: Compared, parts_of: Callable[[int], tuple[str, ...]]) -> Compared:
    for list_id in _list_in(compared.operator, compared.value):
        return replace(compared, value=parts_of(list_id))
    return compared


def _in_zone_and_base(leaf: Rule, time_zone: str, base: str | None) -> Rule:
    if isinstance(leaf, Activity | Sequence | Top) and leaf.time_zone is None:
        leaf = replace(leaf, time_zone=time_zone)
    if isinstance(leaf, Top) and leaf.base is None:
        leaf = replace(leaf, base=base)
    return leaf


def mapped(rule: Rule, change: Callable[[Rule], Rule]) -> Rule:
    """The rule with every node but groups changed; the rule inside a `top` before the `top` itself.

    What stays as it was is the same object: most of most rules does.
    """
    match rule:
        case Group():
            children = tuple(mapped(child, change) for child in rule.rules)
            return rule if _same(children, rule.rules) else replace(rule, rules=children)
        case Top():
            return change(replace(rule, rule=mapped(rule.rule, change)))
        case Activity() | Sequence() | SegmentMembers() | ListMembers() | Sample() | Everyone():
            return change(rule)
        case _:
            assert_never(rule)


def with_conditions(node: RowsNode, change: Callable[[Condition], RowRule]) -> RowsNode:
    """The node with every condition of its own rows changed."""
    if isinstance(node, Sequence):
        steps = tuple(None if step is None else _group_with(step, change) for step in node.steps)
        return replace(node, steps=steps)
    if node.where is None or (where := _group_with(node.where, change)) is node.where:
        return node
    return replace(node, where=where)


def _group_with(group: RowGroup, change: Callable[[Condition], RowRule]) -> RowGroup:
    rules = tuple(change(one) if isinstance(one, Condition) else _group_with(one, change) for one in group.rules)
    return group if _same(rules, group.rules) else replace(group, rules=rules)


def _same(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(new, old, strict=True))
