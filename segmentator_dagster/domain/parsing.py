"""JSON value -> rule, and every problem of its form at once. Total: it answers any JSON, of any depth and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.aggregates import AGGREGATES, COUNTED, Function
from segmentator_dagster.domain.errors import Problem, UserError, pointer_to
from segmentator_dagster.domain.node_reading import Node, NodeReader
from segmentator_dagster.domain.row_parsing import RowReader
from segmentator_dagster.domain.rule import (
    SLICES,
    UNREAD,
    Activity,
    Aggregate,
    Combinator,
    Everyone,
    Group,
    ListMembers,
    Order,
    RowGroup,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
    Value,
)
from segmentator_dagster.domain.value_parsing import MAX_ID

MAX_TOP = 100_000_000
MAX_SEED = 200
_SLICES_PER_PERCENT = SLICES // 100


@dataclass(frozen=True, slots=True)
class Reading:
    """What could be read of a rule, and every problem of its form (at most 100).

    In the place of what could not be read stands something that `check_rule` has nothing to say about, so that what is
    wrong with the rest can be said beside. Without problems the rule is whole.
    """

    rule: Rule
    problems: tuple[Problem, ...] = ()


def parse_rule(value: object, *, default_dataset: str) -> Rule:
    """Read a rule as the API takes it; a bare row-level group means one activity on the default dataset.

    Raises UserError with all problems found (at most 100), each with a JSON pointer into `value`.
    """
    reading = read_rule(value, default_dataset=default_dataset)
    if reading.problems:
        raise UserError(*reading.problems)
    return reading.rule


def read_rule(value: object, *, default_dataset: str) -> Reading:
    """The same, as far as it can be read."""
    reader = NodeReader()
    rule = _AudienceReader(reader, default_dataset).root(value)
    return Reading(rule, tuple(reader.problems))


class _AudienceReader:
    """Audience level. A method that reports a problem gives what it could read, see `Reading`."""

    def __init__(self, reader: NodeReader, default_dataset: str) -> None:
        self._reader = reader
        self._rows = RowReader(reader)
        self._default_dataset = default_dataset
        self._kinds: Mapping[str, Callable[[Node, str, int], Rule]] = {
            "group": self._group,
            "activity": self._activity,
            "sequence": self._sequence,
            "segment": self._segment,
            "list": self._list,
            "sample": self._sample,
            "top": self._top,
            "everyone": self._everyone,
        }

    def root(self, value: object) -> Rule:
        if isinstance(value, Mapping) and "kind" not in value and not _has_kinds_below(value):
            return Activity(self._default_dataset, self._rows.group(value, "", 1), bare=True)
        return self._audience(value, "", 1)

    def _audience(self, value: object, pointer: str, depth: int) -> Rule:
        node = self._reader.node(value, pointer, depth)
        kind = self._reader.text(node, "kind", pointer) if node is not None else None
        if node is None or kind is None:
            return Everyone()
        if kind not in self._kinds:
            self._reader.unknown(problems.UNKNOWN_KIND, pointer_to(pointer, "kind"), kind, self._kinds)
            return Everyone()
        return self._kinds[kind](node, pointer, depth)

    def _group(self, node: Node, pointer: str, depth: int) -> Group:
        self._reader.keys(node, pointer, ("kind", "combinator", "not", "rules"))
        combinator = self._reader.one_of(Combinator, node, "combinator", problems.UNKNOWN_COMBINATOR, pointer)
        negated = self._reader.negated(node, pointer)
        children = self._reader.children(node, "rules", pointer)
        rules = tuple(self._audience(child, at, depth + 1) for child, at in children)
        return Group(combinator or Combinator.AND, rules, negated)

    def _activity(self, node: Node, pointer: str, depth: int) -> Rule:
        known = ("kind", "dataset", "where", "window", "aggregate", "operator", "value", "not")
        self._reader.keys(node, pointer, known)
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        where, window = self._rows.where(node, pointer, depth), self._rows.window(node, pointer)
        aggregate = self._aggregate(node, pointer)
        comparison = self._comparison(node, aggregate, pointer)
        if dataset is None:
            return Everyone()
        if aggregate is None:
            return Activity(dataset, where, Aggregate(), UNREAD, None, window, negated)
        return Activity(dataset, where, aggregate, *comparison, window, negated)

    def _aggregate(self, node: Node, pointer: str) -> Aggregate | None:
        """None where a problem was reported."""
        if "aggregate" not in node:
            return Aggregate()
        at = pointer_to(pointer, "aggregate")
        given = self._reader.mapping(node["aggregate"], at)
        if given is None:
            return None
        self._reader.keys(given, at, ("function", "field", "key", "as"))
        function = self._reader.one_of(Function, given, "function", problems.UNKNOWN_AGGREGATE, at)
        field = self._reader.name(given, "field", at) if "field" in given else None
        key, read_as, well = self._rows.entry(given, at)
        if function is None or not well or (field is None and "field" in given):
            return None
        kind = AGGREGATES[function]
        if "field" in given and not kind.of:
            self._reader.report(problems.FIELD_NOT_WANTED, pointer_to(at, "field"), name=function.value)
        elif field is None and (key is not None or read_as is not None or (kind.of and not kind.needs_time)):
            self._reader.report(problems.FIELD_WANTED, at, name=function.value)
        else:
            return Aggregate(function, field, key, read_as)
        return None

    def _comparison(self, node: Node, aggregate: Aggregate | None, pointer: str) -> tuple[str, Value]:
        """`>= 1` for numbers of something, unless said otherwise."""
        unsaid = "operator" not in node and "value" not in node
        if unsaid and (aggregate is None or aggregate.function in COUNTED):
            return ">=", 1
        return self._rows.comparison(node, pointer)

    def _sequence(self, node: Node, pointer: str, depth: int) -> Rule:
        self._reader.keys(node, pointer, ("kind", "dataset", "steps", "within", "window", "not"))
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        steps = self._steps(node, pointer, depth)
        within = self._rows.values.span(node["within"], pointer_to(pointer, "within")) if "within" in node else None
        window = self._rows.window(node, pointer)
        return Everyone() if dataset is None else Sequence(dataset, steps, within, window, negated)

    def _steps(self, node: Node, pointer: str, depth: int) -> tuple[RowGroup | None, ...]:
        given = self._reader.children(node, "steps", pointer)
        if given and not 2 <= len(given) <= problems.MAX_STEPS:
            self._reader.report(problems.TOO_FEW_STEPS, pointer_to(pointer, "steps"))
            return ()
        return tuple(self._step(child, at, depth + 1) for child, at in given)

    def _step(self, value: object, pointer: str, depth: int) -> RowGroup | None:
        step = self._reader.node(value, pointer, depth)
        if step is None:
            return None
        self._reader.keys(step, pointer, ("where",))
        return self._rows.where(step, pointer, depth)

    def _segment(self, node: Node, pointer: str, _: int) -> Rule:
        self._reader.keys(node, pointer, ("kind", "segment_id", "not"))
        id_ = self._reader.whole_number(node, "segment_id", pointer, 1, MAX_ID)
        negated = self._reader.negated(node, pointer)
        return Everyone() if id_ is None else SegmentMembers(id_, negated)

    def _list(self, node: Node, pointer: str, _: int) -> Rule:
        self._reader.keys(node, pointer, ("kind", "list_id", "not"))
        id_ = self._reader.whole_number(node, "list_id", pointer, 1, MAX_ID)
        negated = self._reader.negated(node, pointer)
        return Everyone() if id_ is None else ListMembers(id_, negated)

    def _sample(self, node: Node, pointer: str, _: int) -> Rule:
        self._reader.keys(node, pointer, ("kind", "from", "to", "seed", "not"))
        start, end = (self._share(node, key, pointer) for key in ("from", "to"))
        seed, negated = self._reader.name(node, "seed", pointer), self._reader.negated(node, pointer)
        if seed is not None and len(seed) > MAX_SEED:
            self._reader.report(problems.SEED_TOO_LONG, pointer_to(pointer, "seed"))
        if start is None or end is None or seed is None:
            return Everyone()
        if start >= end:
            self._reader.report(problems.BAD_SHARE, pointer_to(pointer, "to"))
        return Sample(start, end, seed, negated)

    def _share(self, node: Node, key: str, pointer: str) -> int | None:
        """A percent as a number of slices; None where a problem was reported."""
        at, value = pointer_to(pointer, key), node.get(key)
        if key not in node:
            self._reader.report(problems.MISSING_KEY, pointer, key=key)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            self._reader.wrong_type(at, value, "a number", "число")
        elif not 0 <= value <= 100 or round(value, 4) != value:
            self._reader.report(problems.BAD_SHARE, at)
        else:
            return round(value * _SLICES_PER_PERCENT)
        return None

    def _top(self, node: Node, pointer: str, depth: int) -> Top:
        known = ("kind", "rule", "count", "order", "dataset", "aggregate", "where", "window", "not")
        self._reader.keys(node, pointer, known)
        count = self._reader.whole_number(node, "count", pointer, 1, MAX_TOP)
        order = self._reader.one_of(Order, node, "order", problems.UNKNOWN_ORDER, pointer)
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        if "aggregate" not in node:
            self._reader.report(problems.MISSING_KEY, pointer, key="aggregate")
        aggregate = self._aggregate(node, pointer)
        where, window = self._rows.where(node, pointer, depth), self._rows.window(node, pointer)
        at = pointer_to(pointer, "rule")
        rule = self._audience(node["rule"], at, depth + 1) if "rule" in node else Everyone()
        if dataset is None:  # what it says of rows cannot be checked
            dataset, aggregate, where, window = self._default_dataset, None, None, None
        return Top(count or 1, order or Order.DESC, dataset, aggregate or Aggregate(), rule, where, window, negated)

    def _everyone(self, node: Node, pointer: str, _: int) -> Everyone:
        self._reader.keys(node, pointer, ("kind", "not"))
        return Everyone(self._reader.negated(node, pointer))


def _has_kinds_below(node: Mapping[str, object]) -> bool:
    """A group of audience nodes whose own "kind" was forgotten is no row group; the message should say so."""
    rules = node.get("rules")
    return isinstance(rules, list | tuple) and any(
        isinstance(child, Mapping) and "kind" in child for child in rules[: problems.MAX_NODES]
    )
