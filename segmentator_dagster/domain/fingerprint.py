"""Rule -> canonical rule -> SHA-256: the spellings of one audience definition get one fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from segmentator_dagster.domain.canonical_rows import canonical_read_as, canonical_where, distinct
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.comparisons import canonical_comparison
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.rule import (
    SLICES,
    Activity,
    Aggregate,
    Combinator,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
    did,
)
from segmentator_dagster.domain.rule_json import rule_json

NO_ONE = Everyone(negated=True)


def fingerprint(rule: Rule, catalogue: Catalogue, base_dataset: str, time_zone: str) -> str:
    """SHA-256 in hex of everything that defines the audience of a checked rule; relative dates stay relative."""
    return fingerprint_of_placed(placed(rule, catalogue, time_zone, None), base_dataset)


def fingerprint_of_placed(rule: Rule, base_dataset: str) -> str:
    """The same of a rule that is placed already: in what it asks of the data, with references and dates resolved."""
    definition = {"base_dataset": base_dataset, "rule": rule_json(canonical(rule))}
    text = json.dumps(definition, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def canonical(rule: Rule) -> Rule:
    """The one spelling all spellings of this audience definition share; see docs/decisions/0007. Idempotent.

    Expects a placed rule: windows and zones where `placed` puts them.
    """
    match rule:
        case Group():
            combinator = rule.combinator.dual if rule.negated else rule.combinator
            children = (_complement(child) if rule.negated else child for child in rule.rules)
            return _group(combinator, [canonical(child) for child in children])
        case Activity():
            return _activity(rule)
        case Sequence():
            steps = tuple(None if step is None else canonical_where(step) for step in rule.steps)
            return replace(rule, steps=steps)
        case Top():
            where = None if rule.where is None else canonical_where(rule.where)
            return replace(rule, rule=canonical(rule.rule), where=where, aggregate=_aggregate(rule.aggregate))
        case Sample():
            return Everyone(rule.negated) if (rule.start, rule.end) == (0, SLICES) else rule
        case Everyone() | SegmentMembers() | ListMembers():
            return rule
        case _:
            assert_never(rule)


def _activity(rule: Activity) -> Rule:
    where = None if rule.where is None else canonical_where(rule.where)
    rule = replace(rule, where=where, aggregate=_aggregate(rule.aggregate))
    has_row = did(rule)
    if has_row is not None:
        return replace(rule, operator=">=", value=1, negated=not has_row)
    known = canonical_comparison(rule)
    return known if isinstance(known, Activity | Everyone) else canonical(known)


def _aggregate(aggregate: Aggregate) -> Aggregate:
    return replace(aggregate, read_as=canonical_read_as(aggregate.read_as))


def _complement(rule: Rule) -> Rule:
    return replace(rule, negated=not rule.negated)


def _group(combinator: Combinator, children: list[Rule]) -> Rule:
    """Children are canonical, so a group among them is not negated."""
    flat = [
        part
        for child in children
        for part in (child.rules if isinstance(child, Group) and child.combinator is combinator else (child,))
    ]
    absorbing, neutral = (NO_ONE, Everyone()) if combinator is Combinator.AND else (Everyone(), NO_ONE)
    parts = distinct((part for part in _joined_activities(combinator, flat) if part != neutral), rule_json)
    if absorbing in parts or _has_complements(combinator, {*flat, *parts}):
        return absorbing
    if len(parts) > 1:
        return Group(combinator, parts)
    return parts[0] if parts else neutral


def _has_complements(combinator: Combinator, parts: set[Rule]) -> bool:
    """Whether one part is the complement of another, or of several of the others joined."""
    for part in parts:
        other = canonical(_complement(part))
        if isinstance(other, Group) and other.combinator is combinator and parts.issuperset(other.rules):
            return True
        if other in parts:
            return True
    return False


def _joined_activities(combinator: Combinator, children: list[Rule]) -> list[Rule]:
    """ "A row like this, or a row like that" is a row like either; the same of the complements under `and`."""
    has_row = combinator is Combinator.OR
    kept: list[Rule] = []
    of_dataset: dict[str, list[Activity]] = {}
    for child in children:
        if isinstance(child, Activity) and did(child) is has_row:
            of_dataset.setdefault(child.dataset, []).append(child)
        else:
            kept.append(child)
    for activities in of_dataset.values():
        any_row = next((activity for activity in activities if activity.where is None), None)
        kept += [any_row] if any_row is not None else _joined_wheres(activities)
    return kept


def _joined_wheres(activities: list[Activity]) -> Iterator[Activity]:
    """One activity for each time zone that rows are read in; those that need none join where there is one choice."""
    zones = sorted({activity.time_zone for activity in activities if activity.time_zone is not None})
    only = zones[0] if len(zones) == 1 else None
    for zone in dict.fromkeys(activity.time_zone or only for activity in activities):
        wheres = (activity.where for activity in activities if (activity.time_zone or only) == zone)
        joined = RowGroup(Combinator.OR, tuple(where for where in wheres if where is not None))
        yield replace(activities[0], where=canonical_where(joined), time_zone=zone)
