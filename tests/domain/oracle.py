"""Rule x rows in plain Python -> users: our stated semantics, written without the operator table or the compiler."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.rule import Activity, Condition, Everyone, Group, RowGroup, RowRule, Rule

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of one dataset; `types` are the ClickHouse types of their columns."""

    key: str
    types: Mapping[str, str]
    rows: Sequence[Row]

    def users(self) -> set[str]:
        return {str(row[self.key]) for row in self.rows if row[self.key] is not None}


@dataclass(frozen=True)
class Oracle:
    tables: Mapping[str, Table]
    base: str
    zone: ZoneInfo

    def audience(self, rule: Rule) -> set[str]:
        everyone = self.tables[self.base].users()
        if isinstance(rule, Everyone):
            users = everyone
        elif isinstance(rule, Group):
            parts = [self.audience(child) for child in rule.rules]
            users = set.intersection(*parts) if rule.combinator == "and" else set.union(*parts)
        else:
            users = everyone & self._active(rule)
            if rule.operator == "=":
                users = everyone - users
        return everyone - users if rule.negated else users

    def _active(self, rule: Activity) -> set[str]:
        table = self.tables[rule.dataset]
        rows = [row for row in table.rows if rule.where is None or self._matches(rule.where, row, table.types)]
        return {str(row[table.key]) for row in rows if row[table.key] is not None}

    def _matches(self, rule: RowRule, row: Row, types: Mapping[str, str]) -> bool:
        if isinstance(rule, RowGroup):
            parts = (self._matches(child, row, types) for child in rule.rules)
            return (all(parts) if rule.combinator == "and" else any(parts)) != rule.negated
        positive = _NEGATIVE.get(rule.operator)
        if positive is not None:
            return not self._matches(Condition(rule.field, positive, rule.value), row, types)
        cell = row[rule.field]
        if rule.operator == "null":
            return cell is None
        if cell is None:
            return False
        values = rule.value if isinstance(rule.value, tuple) else (rule.value,)
        cell, wanted = _comparable(cell, values, types[rule.field], self.zone)
        return _TESTS[rule.operator](cell, wanted)


_NEGATIVE = {
    "!=": "=",
    "notBetween": "between",
    "notIn": "in",
    "doesNotContain": "contains",
    "doesNotBeginWith": "beginsWith",
    "doesNotEndWith": "endsWith",
    "notNull": "null",
}
_TESTS: Mapping[str, Callable[[Any, list[Any]], bool]] = {
    "=": lambda cell, wanted: cell == wanted[0],
    "<": lambda cell, wanted: cell < wanted[0],
    "<=": lambda cell, wanted: cell <= wanted[0],
    ">": lambda cell, wanted: cell > wanted[0],
    ">=": lambda cell, wanted: cell >= wanted[0],
    "between": lambda cell, wanted: wanted[0] <= cell <= wanted[1],
    "in": lambda cell, wanted: any(cell == one for one in wanted),
    "contains": lambda cell, wanted: wanted[0] in cell,
    "beginsWith": lambda cell, wanted: cell.startswith(wanted[0]),
    "endsWith": lambda cell, wanted: cell.endswith(wanted[0]),
}


def _comparable(cell: Any, values: Sequence[Any], clickhouse_type: str, zone: ZoneInfo) -> tuple[Any, list[Any]]:
    """The cell and the rule's values as Python values of one kind."""
    if "DateTime" in clickhouse_type:
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d", value) for value in values):
            return cell.astimezone(zone).date(), [date.fromisoformat(value) for value in values]
        moments = [datetime.fromisoformat(value) for value in values]
        return cell, [(moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC) for moment in moments]
    if "Date" in clickhouse_type:
        return cell, [date.fromisoformat(value) for value in values]
    if "Decimal" in clickhouse_type:
        return cell, [Decimal(repr(value)) for value in values]
    if "Float32" in clickhouse_type:
        return cell, [struct.unpack("f", struct.pack("f", value))[0] for value in values]
    if "Float64" in clickhouse_type:
        return cell, [float(value) for value in values]
    return cell, list(values)
