"""A value of ClickHouse -> the form in which any JSON reader gets it without loss."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

_EXACT_IN_JSON = 2**53  # a browser reads greater integers inexactly


def json_safe(value: object, zone: ZoneInfo) -> Any:
    """Moments with the offset of the zone; decimals, great integers and what JSON does not know as text."""
    match value:
        case None | bool():
            return value
        case bytes():
            return value.rstrip(b"\0").decode("utf-8", "replace")  # FixedString is padded with zeros
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case int():
            return value if abs(value) <= _EXACT_IN_JSON else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.astimezone(zone).isoformat()
        case date():
            return value.isoformat()
        case Mapping():
            return {str(json_safe(key, zone)): json_safe(item, zone) for key, item in value.items()}
        case Sequence():
            return [json_safe(item, zone) for item in value]
        case _:
            return str(value)
