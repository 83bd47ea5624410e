"""JSON value -> rule, or every problem of its form at once. Total: it answers any JSON, of any depth and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.aggregates import AGGREGATES, COUNTED, Function
from segmentator_dagster.domain.errors import UserError, pointer_to
from segmentator_dagster.domain.node_reading import Node, NodeReader
from segmentator_dagster.domain.row_parsing import RowReader
from segmentator_dagster.domain.rule import (
    SLICES,
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


def parse_rule(value: object, *, default_dataset: str) -> Rule:
    """Read a rule as the API takes it; a bare row-level group means one activity on the default dataset.

    Raises UserError with all problems found (at most 100), each with a JSON pointer into `value`.
    """
    reader = NodeReader()
    rule = _AudienceReader(reader, default_dataset).root(value)
    if reader.problems or rule is None:
        raise UserError(*reader.problems)
    return rule


class _AudienceReader:
    """Audience level. A method gives None exactly where a problem was reported."""

    def __init__(self, reader: NodeReader, default_dataset: str) -> None:
        self._reader = reader
        self._rows = RowReader(reader)
        self._default_dataset = default_dataset
        self._kinds: Mapping[str, Callable[[Node, str, int], Rule | None]] = {
            "group": self._group,
            "activity": self._activity,
            "sequence": self._sequence,
            "segment": self._segment,
            "list": self._list,
            "sample": self._sample,
            "top": self._top,
            "everyone": self._everyone,
        }

    def root(self, value: object) -> Rule | None:
        if isinstance(value, Mapping) and "kind" not in value and not _has_kinds_below(value):
            where = self._rows.group(value, "", 1)
            return None if where is None else Activity(self._default_dataset, where, bare=True)
        return self._audience(value, "", 1)

    def _audience(self, value: object, pointer: str, depth: int) -> Rule | None:
        node = self._reader.node(value, pointer, depth)
        kind = self._reader.text(node, "kind", pointer) if node is not None else None
        if node is None or kind is None:
            return None
        if kind not in self._kinds:
            self._reader.unknown(problems.UNKNOWN_KIND, pointer_to(pointer, "kind"), kind, self._kinds)
            return None
        return self._kinds[kind](node, pointer, depth)

    def _group(self, node: Node, pointer: str, depth: int) -> Group | None:
        self._reader.keys(node, pointer, ("kind", "combinator", "not", "rules"))
        combinator = self._reader.one_of(Combinator, node, "combinator", problems.UNKNOWN_COMBINATOR, pointer)
        negated = self._reader.negated(node, pointer)
        children = self._reader.children(node, "rules", pointer)
        rules = [self._audience(child, at, depth + 1) for child, at in children]
        whole = tuple(rule for rule in rules if rule is not None)
        if combinator is None or negated is None or not rules or len(whole) < len(rules):
            return None
        return Group(combinator, whole, negated)

    def _activity(self, node: Node, pointer: str, depth: int) -> Activity | None:
        known = ("kind", "dataset", "where", "window", "aggregate", "operator", "value", "not")
        self._reader.keys(node, pointer, known)
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        where, where_well = self._rows.where(node, pointer, depth)
        window, window_well = self._rows.window(node, pointer)
        aggregate = self._aggregate(node, pointer)
        comparison = self._comparison(node, aggregate, pointer)
        if dataset is None or negated is None or aggregate is None or comparison is None:
            return None
        if not (where_well and window_well):
            return None
        return Activity(dataset, where, aggregate, *comparison, window, negated)

    def _aggregate(self, node: Node, pointer: str) -> Aggregate | None:
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

    def _comparison(self, node: Node, aggregate: Aggregate | None, pointer: str) -> tuple[str, Value] | None:
        """`>= 1` for numbers of something, unless said otherwise."""
        unsaid = "operator" not in node and "value" not in node
        if unsaid and (aggregate is None or aggregate.function in COUNTED):
            return ">=", 1
        operator = self._rows.operator(node, pointer)
        found = self._rows.values.value_of(operator, node, pointer) if operator else None
        return None if operator is None or found is None else (operator.key, found.value)

    def _sequence(self, node: Node, pointer: str, depth: int) -> Sequence | None:
        self._reader.keys(node, pointer, ("kind", "dataset", "steps", "within", "window", "not"))
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        steps = self._steps(node, pointer, depth)
        within = self._rows.values.span(node["within"], pointer_to(pointer, "within")) if "within" in node else None
        window, window_well = self._rows.window(node, pointer)
        if dataset is None or negated is None or steps is None or not window_well:
            return None
        if within is None and "within" in node:
            return None
        return Sequence(dataset, steps, within, window, negated)

    def _steps(self, node: Node, pointer: str, depth: int) -> tuple[RowGroup | None, ...] | None:
        given = self._reader.children(node, "steps", pointer)
        if given and not 2 <= len(given) <= problems.MAX_STEPS:
            self._reader.report(problems.TOO_FEW_STEPS, pointer_to(pointer, "steps"))
            return None
        steps: list[RowGroup | None] = []
        well = bool(given)
        for child, at in given:
            step = self._reader.node(child, at, depth + 1)
            if step is None:
                well = False
                continue
            self._reader.keys(step, at, ("where",))
            where, where_well = self._rows.where(step, at, depth + 1)
            steps.append(where)
            well = well and where_well
        return tuple(steps) if well else None

    def _segment(self, node: Node, pointer: str, _: int) -> SegmentMembers | None:
        self._reader.keys(node, pointer, ("kind", "segment_id", "not"))
        id_, negated = (
            self._reader.whole_number(node, "segment_id", pointer, 1, MAX_ID),
            self._reader.negated(node, pointer),
        )
        return None if id_ is None or negated is None else SegmentMembers(id_, negated)

    def _list(self, node: Node, pointer: str, _: int) -> ListMembers | None:
        self._reader.keys(node, pointer, ("kind", "list_id", "not"))
        id_, negated = (
            self._reader.whole_number(node, "list_id", pointer, 1, MAX_ID),
            self._reader.negated(node, pointer),
        )
        return None if id_ is None or negated is None else ListMembers(id_, negated)

    def _sample(self, node: Node, pointer: str, _: int) -> Sample | None:
        self._reader.keys(node, pointer, ("kind", "from", "to", "seed", "not"))
        bounds = [self._share(node, key, pointer) for key in ("from", "to")]
        seed, negated = self._reader.name(node, "seed", pointer), self._reader.negated(node, pointer)
        if seed is not None and len(seed) > MAX_SEED:
            self._reader.report(problems.SEED_TOO_LONG, pointer_to(pointer, "seed"))
            return None
        start, end = bounds
        if start is None or end is None or seed is None or negated is None:
            return None
        if start >= end:
            self._reader.report(problems.BAD_SHARE, pointer_to(pointer, "to"))
            return None
        return Sample(start, end, seed, negated)

    def _share(self, node: Node, key: str, pointer: str) -> int | None:
        """A percent as a number of slices."""
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

    def _top(self, node: Node, pointer: str, depth: int) -> Top | None:
        known = ("kind", "rule", "count", "order", "dataset", "aggregate", "where", "window", "not")
        self._reader.keys(node, pointer, known)
        count = self._reader.whole_number(node, "count", pointer, 1, MAX_TOP)
        order = self._reader.one_of(Order, node, "order", problems.UNKNOWN_ORDER, pointer)
        dataset, negated = self._reader.name(node, "dataset", pointer), self._reader.negated(node, pointer)
        if "aggregate" not in node:
            self._reader.report(problems.MISSING_KEY, pointer, key="aggregate")
        aggregate = self._aggregate(node, pointer)
        where, where_well = self._rows.where(node, pointer, depth)
        window, window_well = self._rows.window(node, pointer)
        at = pointer_to(pointer, "rule")
        rule = self._audience(node["rule"], at, depth + 1) if "rule" in node else Everyone()
        if count is None or order is None or dataset is None or negated is None or aggregate is None or rule is None:
            return None
        if not (where_well and window_well and "aggregate" in node):
            return None
        return Top(count, order, dataset, aggregate, rule, where, window, negated)

    def _everyone(self, node: Node, pointer: str, _: int) -> Everyone | None:
        self._reader.keys(node, pointer, ("kind", "not"))
        negated = self._reader.negated(node, pointer)
        return None if negated is None else Everyone(negated)


def _has_kinds_below(node: Mapping[str, object]) -> bool:
    """A group of audience nodes whose own "kind" was forgotten is no row group; the message should say so."""
    rules = node.get("rules")
    return isinstance(rules, list | tuple) and any(
        isinstance(child, Mapping) and "kind" in child for child in rules[: problems.MAX_NODES]
    )
