"""Row level of a rule: JSON -> conditions and groups of them on one row."""

from __future__ import annotations

from collections.abc import Mapping

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.catalogue import SCALARS, FieldType
from segmentator_dagster.domain.errors import pointer_to
from segmentator_dagster.domain.node_reading import Node, NodeReader
from segmentator_dagster.domain.operators import OPERATORS, Operator
from segmentator_dagster.domain.rule import UNREAD, Combinator, Condition, RowGroup, RowRule, Value, Window
from segmentator_dagster.domain.value_parsing import ValueReader

_NOTHING_READ = RowGroup(Combinator.AND, ())
_CONDITION_KEYS = ("field", "operator", "value", "key", "as", "ignore_case")


class RowReader:
    """Reads conditions with the primitives of a NodeReader. A method that reports a problem gives what it could read:
    an empty group for a condition without a field, the operator UNREAD for a comparison.
    """

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self.values = ValueReader(reader)

    def group(self, value: object, pointer: str, depth: int) -> RowGroup:
        node = self._reader.node(value, pointer, depth)
        if node is None:
            return _NOTHING_READ
        self._reader.keys(node, pointer, ("combinator", "not", "rules"))
        combinator = self._reader.one_of(Combinator, node, "combinator", problems.UNKNOWN_COMBINATOR, pointer)
        negated = self._reader.negated(node, pointer)
        children = self._reader.children(node, "rules", pointer)
        rules = tuple(self._rule(child, at, depth + 1) for child, at in children)
        return RowGroup(combinator or Combinator.AND, rules, negated)

    def where(self, node: Node, pointer: str, depth: int) -> RowGroup | None:
        """The node's `where`; None means: any row."""
        return self.group(node["where"], pointer_to(pointer, "where"), depth + 1) if "where" in node else None

    def window(self, node: Node, pointer: str) -> Window | None:
        """The node's `window`; None means: at any time."""
        if "window" not in node:
            return None
        at = pointer_to(pointer, "window")
        window = self._reader.mapping(node["window"], at)
        if window is None:
            return None
        self._reader.keys(window, at, ("operator", "value"))
        return Window(*self.comparison(window, at))

    def comparison(self, node: Node, pointer: str) -> tuple[str, Value]:
        """`operator` and `value` of a node."""
        operator = self._operator(node, pointer)
        found = self.values.value_of(operator, node, pointer) if operator else None
        return (UNREAD, None) if operator is None or found is None else (operator.key, found.value)

    def entry(self, node: Node, pointer: str) -> tuple[str | None, FieldType | None, bool]:
        """`key` and `as` of a node that names a field, and whether all is well."""
        key = self._reader.name(node, "key", pointer) if "key" in node else None
        well = key is not None or "key" not in node
        if "as" not in node:
            return key, None, well
        read_as = self._reader.one_of(FieldType, node, "as", problems.UNKNOWN_TYPE, pointer)
        if read_as is not None and read_as not in SCALARS:
            self._reader.unknown(problems.UNKNOWN_TYPE, pointer_to(pointer, "as"), read_as.value, SCALARS)
            return key, None, False
        return key, read_as, well and read_as is not None

    def _operator(self, node: Node, pointer: str) -> Operator | None:
        key = self._reader.text(node, "operator", pointer)
        if key is None or key in OPERATORS:
            return None if key is None else OPERATORS[key]
        self._reader.unknown(problems.UNKNOWN_OPERATOR, pointer_to(pointer, "operator"), key, OPERATORS)
        return None

    def _rule(self, value: object, pointer: str, depth: int) -> RowRule:
        if isinstance(value, Mapping) and ("rules" in value or "combinator" in value):
            return self.group(value, pointer, depth)
        node = self._reader.node(value, pointer, depth)
        return _NOTHING_READ if node is None else self._condition(node, pointer)

    def _condition(self, node: Node, pointer: str) -> RowRule:
        self._reader.keys(node, pointer, _CONDITION_KEYS)
        field, comparison = self._reader.name(node, "field", pointer), self.comparison(node, pointer)
        key, read_as, well = self.entry(node, pointer)
        ignore_case = self._reader.boolean(node, "ignore_case", pointer)
        operator = OPERATORS.get(comparison[0])
        if ignore_case and operator is not None and not operator.ignores_case:
            at = pointer_to(pointer, "ignore_case")
            self._reader.report(problems.CASE_NOT_HERE, at, operator=operator.key, name=problems.shown(field))
            ignore_case = False
        if field is None or not well:
            return _NOTHING_READ
        return Condition(field, *comparison, key, read_as, ignore_case)
