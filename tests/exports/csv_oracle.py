"""What a CSV file has to be, said in plain Python: a value and the options -> the text of its cell."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.export_options import CsvOptions, DateFormat

_STARTS = "=+-@\t\r\n＝＋－＠"
_SKIPPED = re.compile(
    "[ \"'\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]*"
)


def is_formula(text: str) -> bool:
    match = _SKIPPED.match(text)
    rest = text[match.end() :] if match else text
    return rest[:1] != "" and rest[0] in _STARTS


def float_text(value: float) -> str:
    """Shortest digits that read back; plain from 1e-6 up to 1e21, as JavaScript and ClickHouse write them."""
    if not math.isfinite(value):
        return str(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if value == 0:
        plain = "0"
    elif -6 < point <= 21:
        if point <= 0:
            plain = "0." + "0" * -point + text
        elif point >= len(text):
            plain = text + "0" * (point - len(text))
        else:
            plain = f"{text[:point]}.{text[point:]}"
    else:
        plain = text[0] + (f".{text[1:]}" if len(text) > 1 else "") + f"e{point - 1}"
    return ("-" if sign else "") + plain


def moment_text(value: datetime, zone: str, day_first: bool) -> str:
    local = value.astimezone(ZoneInfo(zone))
    text = f"{_day(local, day_first)} {local:%H:%M:%S}"
    if not local.microsecond:
        return text
    return f"{text}.{local.microsecond:06}".removesuffix("000")


def cell(value: object, options: CsvOptions, zone: str) -> str:
    day_first = options.date_format is DateFormat.DAY_FIRST
    quote, mark = options.quote or "", options.decimal_mark or ""
    match value:
        case None:
            return options.null_text or ""
        case str():
            text = f"'{value}" if options.formula_guard and is_formula(value) else value
            return quote + text.replace(quote, quote * 2) + quote
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case float() | Decimal():
            text = float_text(value) if isinstance(value, float) else f"{value:f}"
            if "." not in text:
                return quote + text + quote if mark == options.delimiter else text
            text = text.replace(".", mark)
            return quote + text + quote if mark == options.delimiter else text
        case datetime():
            return moment_text(value, zone, day_first)
        case date():
            return _day(value, day_first)
    raise TypeError(type(value))


def csv_text(rows: Sequence[Sequence[object]], titles: Sequence[str] | None, options: CsvOptions, zone: str) -> str:
    end = "\r\n" if options.line_end == "crlf" else "\n"
    lines = ([list(titles)] if titles is not None else []) + [list(row) for row in rows]
    body = "".join((options.delimiter or "").join(cell(value, options, zone) for value in line) + end for line in lines)
    return ("\ufeff" if options.bom and options.encoding == "utf-8" else "") + body


def _day(value: date, day_first: bool) -> str:
    return f"{value.day:02}.{value.month:02}.{value.year:04}" if day_first else value.isoformat()[:10]
