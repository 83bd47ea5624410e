"""Cells and values of rules in plain Python: what a condition looks at, and how the two compare."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.rule import Aggregate, Condition

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def cell_of(named: Condition | Aggregate, row: Mapping[str, Any], types: Mapping[str, str]) -> tuple[Any, str]:
    """The value a condition or aggregate looks at (None: no value) and its ClickHouse type."""
    assert named.field is not None
    cell, type_ = row[named.field], types[named.field]
    if named.key is None:
        return cell, type_
    if type_ == "JSON":
        text = _json_text(cell, named.key.split("."))
        return _read(text, named.read_as or "text")
    if type_.endswith(", String)"):
        return _read(cell.get(named.key), named.read_as or "text")
    return cell.get(named.key), type_.partition(", ")[2].removesuffix(")")


def _json_text(cell: Any, path: Sequence[str]) -> str | None:
    for name in path:
        cell = cell.get(name) if isinstance(cell, dict) else None
    if cell is None or isinstance(cell, dict):
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if isinstance(cell, str) else f"{cell}"


def _read(text: str | None, read_as: str) -> tuple[Any, str]:
    types = {"text": "String", "number": "Float64", "date": "Date32", "datetime": "DateTime64", "boolean": "Bool"}
    return (None if text is None else _READERS[read_as](text)), types[read_as]


def _date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None
    return day if day is not None and 1900 <= day.year <= 2299 else None


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text) or _date(text[:10]) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "text": lambda text: text,
    "number": lambda text: float(text) if _NUMBER.fullmatch(text) else None,
    "date": _date,
    "datetime": _moment,
    "boolean": {"true": True, "false": False}.get,
}


def compare(rule: Condition, cell: Any, type_: str, zone: ZoneInfo) -> bool:
    """Whether a cell that is a value satisfies a positive operator."""
    if rule.operator == "empty":
        return len(cell) == 0
    if rule.operator == "matches":
        flags = re.DOTALL | (re.IGNORECASE if rule.ignore_case else 0)
        return re.search(str(rule.value), cell, flags) is not None
    values = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    if rule.operator in ("has", "hasAny", "hasAll"):
        inner = type_.removeprefix("Array(")
        found = [any(_equal(item, value, inner, zone) for item in cell) for value in values]
        return any(found) if rule.operator == "hasAny" else all(found)
    cell, wanted = comparable(cell, values, type_, zone)
    if rule.ignore_case:
        cell, wanted = cell.lower(), [one.lower() for one in wanted]
    return _TESTS[rule.operator](cell, wanted)


def _equal(item: Any, value: Any, type_: str, zone: ZoneInfo) -> bool:
    if item is None:
        return False
    cell, (wanted,) = comparable(item, [value], type_, zone)
    return bool(cell == wanted)


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


def comparable(cell: Any, values: Sequence[Any], type_: str, zone: ZoneInfo) -> tuple[Any, list[Any]]:
    """The cell and the rule's values as Python values of one kind."""
    if "DateTime" in type_:
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d", value) for value in values):
            return cell.astimezone(zone).date(), [date.fromisoformat(value) for value in values]
        moments = [datetime.fromisoformat(value) for value in values]
        return cell, [(moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC) for moment in moments]
    if "Date" in type_:
        return cell, [date.fromisoformat(value) for value in values]
    if "Decimal" in type_:
        return cell, [Decimal(repr(value)) for value in values]
    if "Float32" in type_:
        return cell, [struct.unpack("f", struct.pack("f", value))[0] for value in values]
    if "Float64" in type_:
        return cell, [float(value) for value in values]
    return cell, list(values)
