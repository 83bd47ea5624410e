"""Row groups -> the one spelling that all spellings of the same conditions share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.operators import COMPLEMENTS, OPERATORS, Test
from segmentator_dagster.domain.rule import Combinator, Condition, RowGroup, RowRule, Scalar
from segmentator_dagster.domain.rule_json import row_json

_T = TypeVar("_T")
# Under which combinator which operators on one field are one operator with a longer list.
_JOINED = {Combinator.OR: ("=", "in"), Combinator.AND: ("!=", "notIn")}

_OF_ONE = {"in": "=", "notIn": "!=", "hasAny": "has", "hasAll": "has"}


def canonical_where(group: RowGroup) -> RowGroup:
    """`where` is always a group, so a condition alone is wrapped in one."""
    row = _row(group, negated=False)
    return row if isinstance(row, RowGroup) and not _is_literal(row) else RowGroup(Combinator.AND, (row,))


def distinct(parts: Iterable[_T], as_json: Callable[[_T], object]) -> tuple[_T, ...]:
    """Sorted, each once; by their JSON, because to Python 1 == True."""
    return tuple(part for _, part in sorted({_text(as_json(part)): part for part in parts}.items()))


def canonical_read_as(read_as: FieldType | None) -> FieldType | None:
    """Text is what an entry is read as unless something else is said."""
    return None if read_as is FieldType.TEXT else read_as


def _row(rule: RowRule, *, negated: bool) -> RowRule:
    if isinstance(rule, Condition):
        return _condition(rule, negated=negated)
    negated = negated != rule.negated
    combinator = rule.combinator.dual if negated else rule.combinator
    flat = (part for child in rule.rules for part in _dissolved(_row(child, negated=negated), combinator))
    parts = distinct(_joined(combinator, flat), row_json)
    return parts[0] if len(parts) == 1 else RowGroup(combinator, parts)


def _dissolved(rule: RowRule, into: Combinator) -> tuple[RowRule, ...]:
    if isinstance(rule, RowGroup) and rule.combinator is into and not _is_literal(rule):
        return rule.rules
    return (rule,)


def _is_literal(rule: RowGroup) -> bool:
    """The complement of one condition that no operator names: `not (x < 1)` also holds without x."""
    return rule.negated


def _condition(rule: Condition, *, negated: bool) -> RowRule:
    rule = replace(rule, read_as=canonical_read_as(rule.read_as))
    operator = OPERATORS[rule.operator]
    if operator.test is Test.BETWEEN and isinstance(rule.value, tuple):
        low, high = rule.value
        bounds: tuple[RowRule, ...] = (
            replace(rule, operator=">=", value=low),
            replace(rule, operator="<=", value=high),
        )
        if low == high:
            bounds = (replace(rule, operator="=", value=low),)
        return _row(RowGroup(Combinator.AND, bounds, operator.negation_of is not None), negated=negated)
    if negated and rule.operator in COMPLEMENTS:
        rule, negated = replace(rule, operator=COMPLEMENTS[rule.operator]), False
    rule = _listed(rule)
    return RowGroup(Combinator.AND, (rule,), negated=True) if negated else rule


def _listed(rule: Condition) -> Condition:
    """Lists sorted, each value once; a list of one is that value."""
    if not isinstance(rule.value, tuple) or rule.operator not in _OF_ONE:
        return rule
    items: tuple[Scalar, ...] = distinct(rule.value, lambda item: item)
    return (
        replace(rule, value=items) if len(items) > 1 else replace(rule, operator=_OF_ONE[rule.operator], value=items[0])
    )


def _joined(combinator: Combinator, parts: Iterable[RowRule]) -> Iterator[RowRule]:
    one, many = _JOINED[combinator]
    lists: dict[Condition, tuple[Scalar, ...]] = {}
    for part in parts:
        if isinstance(part, Condition) and part.operator in (one, many):
            values = part.value if isinstance(part.value, tuple) else (part.value,)
            key = replace(part, operator=many, value=None)
            lists[key] = (*lists.get(key, ()), *values)
        else:
            yield part
    for key, values in lists.items():
        yield _listed(replace(key, value=values))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
