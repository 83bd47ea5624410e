"""Row level of a rule: JSON -> conditions and groups of them on one row."""

from __future__ import annotations

from collections.abc import Mapping

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.catalogue import SCALARS, FieldType
from segmentator_dagster.domain.errors import pointer_to
from segmentator_dagster.domain.node_reading import Node, NodeReader
from segmentator_dagster.domain.operators import OPERATORS, Operator
from segmentator_dagster.domain.rule import Combinator, Condition, RowGroup, RowRule, Window
from segmentator_dagster.domain.value_parsing import ValueReader

_CONDITION_KEYS = ("field", "operator", "value", "key", "as", "ignore_case")


class RowReader:
    """Reads conditions with the primitives of a NodeReader; None where a problem was reported."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self.values = ValueReader(reader)

    def group(self, value: object, pointer: str, depth: int) -> RowGroup | None:
        node = self._reader.node(value, pointer, depth)
        if node is None:
            return None
        self._reader.keys(node, pointer, ("combinator", "not", "rules"))
        combinator = self._reader.one_of(Combinator, node, "combinator", problems.UNKNOWN_COMBINATOR, pointer)
        negated = self._reader.negated(node, pointer)
        children = self._reader.children(node, "rules", pointer)
        rules = [self._rule(child, at, depth + 1) for child, at in children]
        whole = tuple(rule for rule in rules if rule is not None)
        if combinator is None or negated is None or not rules or len(whole) < len(rules):
            return None
        return RowGroup(combinator, whole, negated)

    def where(self, node: Node, pointer: str, depth: int) -> tuple[RowGroup | None, bool]:
        """The node's `where`, and whether all is well; None without a problem means: any row."""
        if "where" not in node:
            return None, True
        group = self.group(node["where"], pointer_to(pointer, "where"), depth + 1)
        return group, group is not None

    def window(self, node: Node, pointer: str) -> tuple[Window | None, bool]:
        """The same for its `window`."""
        if "window" not in node:
            return None, True
        at = pointer_to(pointer, "window")
        window = self._reader.mapping(node["window"], at)
        if window is None:
            return None, False
        self._reader.keys(window, at, ("operator", "value"))
        operator = self.operator(window, at)
        found = self.values.value_of(operator, window, at) if operator else None
        if operator is None or found is None:
            return None, False
        return Window(operator.key, found.value), True

    def operator(self, node: Node, pointer: str) -> Operator | None:
        key = self._reader.text(node, "operator", pointer)
        if key is None or key in OPERATORS:
            return None if key is None else OPERATORS[key]
        self._reader.unknown(problems.UNKNOWN_OPERATOR, pointer_to(pointer, "operator"), key, OPERATORS)
        return None

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

    def _rule(self, value: object, pointer: str, depth: int) -> RowRule | None:
        if isinstance(value, Mapping) and ("rules" in value or "combinator" in value):
            return self.group(value, pointer, depth)
        node = self._reader.node(value, pointer, depth)
        return None if node is None else self._condition(node, pointer)

    def _condition(self, node: Node, pointer: str) -> Condition | None:
        self._reader.keys(node, pointer, _CONDITION_KEYS)
        field, operator = self._reader.name(node, "field", pointer), self.operator(node, pointer)
        key, read_as, well = self.entry(node, pointer)
        ignore_case = self._reader.boolean(node, "ignore_case", pointer)
        if operator is None:
            return None
        if ignore_case and not operator.ignores_case:
            at = pointer_to(pointer, "ignore_case")
            self._reader.report(problems.CASE_NOT_HERE, at, operator=operator.key, name=problems.shown(field))
            return None
        found = self.values.value_of(operator, node, pointer)
        if field is None or found is None or ignore_case is None or not well:
            return None
        return Condition(field, operator.key, found.value, key, read_as, ignore_case)
