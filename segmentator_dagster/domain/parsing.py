"""JSON value -> rule, or every problem of its form at once. Total: it answers any JSON, of any depth and size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.errors import Problem, ProblemKind, UserError, pointer_to
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.problems import shown, suggestion
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Combinator,
    Condition,
    Everyone,
    Group,
    RowGroup,
    RowRule,
    Rule,
)
from segmentator_dagster.domain.value_parsing import ValueReader

KINDS = ("group", "activity", "everyone")
_LATER_KINDS = ("segment", "list", "sequence")
_LATER_OPERATORS = (
    *("matches", "doesNotMatch", "inLast", "notInLast", "olderThan", "inNext", "inPeriod", "anniversaryWithin"),
    *("has", "hasAny", "hasAll", "empty", "notEmpty"),
)
_LATER_AGGREGATES = ("days", "distinct", "sum", "avg", "min", "max", "first", "last")
_COMPUTED = ((">=", 1), ("=", 0))
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=", "between", "notBetween")
_MAX_PROBLEMS = 100

_Name = TypeVar("_Name", bound=StrEnum)


def parse_rule(value: object, *, default_dataset: str) -> Rule:
    """Read a rule as the API takes it; a bare row-level group means one activity on the default dataset.

    Raises UserError with all problems found (at most 100), each with a JSON pointer into `value`.
    """
    reader = _Reader(default_dataset)
    rule = reader.root(value)
    if reader.problems or rule is None:
        raise UserError(*reader.problems)
    return rule


class _Reader:
    """One pass over one document. A method gives None exactly where it has reported a problem."""

    def __init__(self, default_dataset: str) -> None:
        self.problems: list[Problem] = []
        self._default_dataset = default_dataset
        self._nodes = 0
        self._values = ValueReader(self._report)

    def root(self, value: object) -> Rule | None:
        if isinstance(value, Mapping) and "kind" not in value and not _has_kinds_below(value):
            where = self._row_group(value, "", 1)
            return None if where is None else Activity(self._default_dataset, where, bare=True)
        return self._audience(value, "", 1)

    def _audience(self, value: object, pointer: str, depth: int) -> Rule | None:
        node = self._node(value, pointer, depth)
        kind = self._text(node, "kind", pointer) if node is not None else None
        if node is None or kind is None:
            return None
        match kind:
            case "group":
                return self._group(node, pointer, depth)
            case "activity":
                return self._activity(node, pointer, depth)
            case "everyone":
                self._keys(node, pointer, ("kind", "not"))
                negated = self._negated(node, pointer)
                return None if negated is None else Everyone(negated)
            case _ if kind in _LATER_KINDS:
                self._not_supported(kind, KINDS, pointer_to(pointer, "kind"))
            case _:
                self._report(
                    problems.UNKNOWN_KIND, pointer_to(pointer, "kind"), name=shown(kind), **suggestion(kind, KINDS)
                )
        return None

    def _group(self, node: Mapping[str, object], pointer: str, depth: int) -> Group | None:
        self._keys(node, pointer, ("kind", "combinator", "not", "rules"))
        combinator, negated = self._combinator(node, pointer), self._negated(node, pointer)
        children = self._children(node, pointer)
        rules = [self._audience(child, at, depth + 1) for child, at in children]
        whole = tuple(rule for rule in rules if rule is not None)
        if combinator is None or negated is None or not rules or len(whole) < len(rules):
            return None
        return Group(combinator, whole, negated)

    def _activity(self, node: Mapping[str, object], pointer: str, depth: int) -> Activity | None:
        self._keys(
            node, pointer, ("kind", "dataset", "where", "aggregate", "operator", "value", "not"), later=("window",)
        )
        dataset, negated = self._name(node, "dataset", pointer), self._negated(node, pointer)
        where = self._row_group(node["where"], pointer_to(pointer, "where"), depth + 1) if "where" in node else None
        aggregate, comparison = self._aggregate(node, pointer), self._comparison(node, pointer)
        if dataset is None or negated is None or aggregate is None or comparison is None:
            return None
        if where is None and "where" in node:
            return None
        return Activity(dataset, where, aggregate, *comparison, negated=negated)

    def _aggregate(self, node: Mapping[str, object], pointer: str) -> Aggregate | None:
        at = pointer_to(pointer, "aggregate")
        aggregate = node.get("aggregate", {"function": "rows"})
        if not isinstance(aggregate, Mapping):
            self._values.wrong_type(at, aggregate, "an object", "объект")
            return None
        function = self._text(aggregate, "function", at)
        if function in _LATER_AGGREGATES:
            self._not_supported(function, Aggregate, pointer_to(at, "function"))
            return None
        self._keys(aggregate, at, ("function",))
        return self._one_of(Aggregate, function, problems.UNKNOWN_AGGREGATE, pointer_to(at, "function"))

    def _comparison(self, node: Mapping[str, object], pointer: str) -> tuple[str, int] | None:
        """`>= 1` unless said otherwise."""
        if "operator" not in node and "value" not in node:
            return ">=", 1
        operator = self._text(node, "operator", pointer)
        number = self._number(node, "value", pointer)
        if operator is None or number is None:
            return None
        if operator not in _COMPARISONS:
            self._unknown(problems.UNKNOWN_OPERATOR, pointer_to(pointer, "operator"), operator, (">=", "="))
            return None
        if (operator, number) not in _COMPUTED:
            self._not_supported(f"rows {operator} {shown(number)}", ("rows >= 1", "rows = 0"), pointer)
            return None
        return operator, int(number)

    def _row_group(self, value: object, pointer: str, depth: int) -> RowGroup | None:
        node = self._node(value, pointer, depth)
        if node is None:
            return None
        self._keys(node, pointer, ("combinator", "not", "rules"))
        combinator, negated = self._combinator(node, pointer), self._negated(node, pointer)
        children = self._children(node, pointer)
        rules = [self._row_rule(child, at, depth + 1) for child, at in children]
        whole = tuple(rule for rule in rules if rule is not None)
        if combinator is None or negated is None or not rules or len(whole) < len(rules):
            return None
        return RowGroup(combinator, whole, negated)

    def _row_rule(self, value: object, pointer: str, depth: int) -> RowRule | None:
        if isinstance(value, Mapping) and ("rules" in value or "combinator" in value):
            return self._row_group(value, pointer, depth)
        node = self._node(value, pointer, depth)
        if node is None:
            return None
        self._keys(node, pointer, ("field", "operator", "value"), later=("ignore_case",))
        field, key = self._name(node, "field", pointer), self._text(node, "operator", pointer)
        if key is None:
            return None
        operator = OPERATORS.get(key)
        if operator is None:
            at = pointer_to(pointer, "operator")
            if key in _LATER_OPERATORS:
                self._not_supported(key, OPERATORS, at)
            else:
                self._unknown(problems.UNKNOWN_OPERATOR, at, key, OPERATORS)
            return None
        found = self._values.value_of(operator, node, pointer)
        return None if field is None or found is None else Condition(field, key, found.value)

    def _node(self, value: object, pointer: str, depth: int) -> Mapping[str, object] | None:
        """Count a node in before anything in it is looked at, so that limits hold whatever comes."""
        self._nodes += 1
        if self._nodes > problems.MAX_NODES:
            if self._nodes == problems.MAX_NODES + 1:
                self._report(problems.TOO_MANY_NODES, "")
        elif depth > problems.MAX_DEPTH:
            self._report(problems.TOO_DEEP, pointer)
        elif isinstance(value, Mapping):
            return value
        else:
            self._values.wrong_type(pointer, value, "an object", "объект")
        return None

    def _children(self, node: Mapping[str, object], pointer: str) -> Sequence[tuple[object, str]]:
        at = pointer_to(pointer, "rules")
        rules = node.get("rules")
        if "rules" not in node:
            self._report(problems.MISSING_KEY, pointer, key="rules")
        elif not isinstance(rules, list | tuple):
            self._values.wrong_type(at, rules, "a list", "список")
        elif not rules:
            self._report(problems.EMPTY_GROUP, at)
        else:  # one over the limit is enough to say so
            return [(child, pointer_to(at, index)) for index, child in enumerate(rules[: problems.MAX_NODES + 1])]
        return ()

    def _combinator(self, node: Mapping[str, object], pointer: str) -> Combinator | None:
        text = self._text(node, "combinator", pointer)
        return self._one_of(Combinator, text, problems.UNKNOWN_COMBINATOR, pointer_to(pointer, "combinator"))

    def _one_of(self, names: type[_Name], text: str | None, unknown: ProblemKind, pointer: str) -> _Name | None:
        if text is None or text in list(names):
            return None if text is None else names(text)
        self._unknown(unknown, pointer, text, names)
        return None

    def _number(self, node: Mapping[str, object], key: str, pointer: str) -> int | float | None:
        value = node.get(key)
        if key not in node:
            self._report(problems.MISSING_KEY, pointer, key=key)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._values.wrong_type(pointer_to(pointer, key), value, "a number", "число")
        else:
            return value
        return None

    def _negated(self, node: Mapping[str, object], pointer: str) -> bool | None:
        value = node.get("not", False)
        if isinstance(value, bool):
            return value
        self._values.wrong_type(pointer_to(pointer, "not"), value, "true or false", "true или false")
        return None

    def _text(self, node: Mapping[str, object], key: str, pointer: str) -> str | None:
        if key not in node:
            self._report(problems.MISSING_KEY, pointer, key=key)
            return None
        return self._values.text(node[key], pointer_to(pointer, key))

    def _name(self, node: Mapping[str, object], key: str, pointer: str) -> str | None:
        text = self._text(node, key, pointer)
        if text == "":
            self._report(problems.EMPTY_NAME, pointer_to(pointer, key))
        return text or None

    def _keys(self, node: Mapping[str, object], pointer: str, known: Sequence[str], later: Sequence[str] = ()) -> None:
        unknown = [key for key in node if key not in known]
        for key in unknown[:_MAX_PROBLEMS]:
            at = pointer_to(pointer, shown(key))
            if key in later:
                self._not_supported(key, known, at)
            else:
                self._unknown(problems.UNKNOWN_KEY, at, str(key), known)

    def _unknown(self, kind: ProblemKind, pointer: str, name: str, known: Iterable[str]) -> None:
        if len(self.problems) < _MAX_PROBLEMS:  # looking for close names is what takes time here
            self._report(kind, pointer, name=shown(name), **suggestion(name, known))

    def _not_supported(self, name: str, supported: Iterable[str], pointer: str) -> None:
        listed = ", ".join(f"`{one}`" for one in supported)
        texts = {"suggestion_en": f"Supported: {listed}.", "suggestion_ru": f"Поддерживается: {listed}."}
        self._report(problems.NOT_SUPPORTED, pointer, name=shown(name), **texts)

    def _report(self, kind: ProblemKind, pointer: str, **values: object) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(kind.at(pointer, **values))


def _has_kinds_below(node: Mapping[str, object]) -> bool:
    """A group of audience nodes whose own "kind" was forgotten is no row group; the message should say so."""
    rules = node.get("rules")
    return isinstance(rules, list | tuple) and any(
        isinstance(child, Mapping) and "kind" in child for child in rules[: problems.MAX_NODES]
    )
