"""Columns c0, c1, … of an extract -> SQL that renders each row as SpreadsheetML, so that ClickHouse writes the sheet.

Facts of Excel: 15 significant digits in a number, none smaller than a normal double, no dates before 1900-01-01 and a
29 February 1900 that never was (ECMA-376 part 1, 18.17.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped
from segmentator_dagster.exports.source import Reason, Replacement
from segmentator_dagster.exports.text_sql import is_text
from segmentator_dagster.exports.xlsx.cell_text import escaped, needs_care, text_replacements
from segmentator_dagster.exports.xlsx.styles import DATE, DATETIME

_PRESERVED = '<c t="inlineStr"><is><t xml:space="preserve">'
_TEXT_START, _TEXT_END = '<c t="inlineStr"><is><t>', "</t></is></c>"
_DIGITS = 15
_SMALLEST = "2.2250738585072014e-308"
_DAY = 86_400
_SERIAL_OF_1970 = 25_569
_MARCH_1900 = -25_508  # days before 1970-01-01; serials are one less before it
_YEAR_1900 = -25_567
_SMALL_INTEGERS = ("UInt8", "UInt16", "UInt32", "Int8", "Int16", "Int32")
_DECIMAL = re.compile(r"Decimal\((\d+), (\d+)\)")


@dataclass(frozen=True, slots=True)
class _Cell:
    """XML, SQL of text, XML; the pieces of a row go into one concat(), which is twice as fast as one in the other."""

    before: str
    value: str
    after: str = ""

    @property
    def sql(self) -> str:
        return f"concat('{self.before}', {self.value}, '{self.after}')" if self.before else self.value


def row_xml(fields: Sequence[Field]) -> str:
    """One `<row>` for the columns of these fields, and the only line feed of its text at the end."""
    texts = [f"ifNull(toString(c{index}), '')" for index, field in enumerate(fields) if is_text(field)]
    plain, careful = (
        _row(_cell(index, field, careful=careful) for index, field in enumerate(fields)) for careful in (False, True)
    )
    return f"if({needs_care(texts)}, {careful}, {plain})" if texts else plain


def replacements(fields: Sequence[Field]) -> list[Replacement]:
    """What a cell cannot carry unchanged."""
    return [one for index, field in enumerate(fields) for one in _replacements(index, field)]


def _row(cells: Iterable[_Cell]) -> str:
    pieces, xml = [], "<row>"
    for cell in cells:
        pieces += [f"'{xml}{cell.before}'", cell.value]
        xml = cell.after
    return f"concat({', '.join(pieces)}, '{xml}</row>\\n')"


def _cell(index: int, field: Field, *, careful: bool) -> _Cell:
    column = f"c{index}"
    value = f"assumeNotNull({column})" if field.nullable else column
    if careful and is_text(field):
        cell = _Cell(_PRESERVED, escaped(index, f"toString({value})"), _TEXT_END)
    else:
        cell = _value_cell(value, field)
    return _Cell("", f"if(isNull({column}), '<c/>', {cell.sql})") if field.nullable else cell


def _value_cell(value: str, field: Field) -> _Cell:
    match field.type:
        case FieldType.TEXT | FieldType.ARRAY | FieldType.MAP | FieldType.JSON | FieldType.OTHER:
            return _Cell(_TEXT_START, f"toString({value})", _TEXT_END)
        case FieldType.BOOLEAN:
            return _Cell('<c t="b"><v>', f"toString(toUInt8({value}))", "</v></c>")
        case FieldType.NUMBER:
            return _or_text(f"toString({value})", "", f"toString({value})", _fits(value, field))
        case FieldType.DATE | FieldType.DATETIME:
            date = field.type is FieldType.DATE
            days = _days(value, field)
            shown = value if date else _local(value)
            serial = f"toString({days} + {_SERIAL_OF_1970}{_leap_shift(days, field)})"
            style = f' s="{DATE if date else DATETIME}"'
            return _or_text(serial, style, f"toString({shown})", _after_1899(value, field))


def _or_text(number: str, style: str, text: str, fits: str) -> _Cell:
    cell = _Cell(f"<c{style}><v>", number, "</v></c>")
    return _Cell("", f"if({fits}, {cell.sql}, {_Cell(_TEXT_START, text, _TEXT_END).sql})") if fits else cell


def _fits(value: str, field: Field) -> str:
    """SQL for whether a number goes into a cell as it is; nothing where the type always does."""
    type_ = unwrapped(field.clickhouse_type)
    if type_ in _SMALL_INTEGERS:
        return ""
    if "Float" in type_:
        number = f"toFloat64({value})"
        return f"isFinite({number}) AND ({number} = 0 OR abs({number}) >= {_SMALLEST})"
    if type_.startswith("Decimal"):
        return _decimal_fits(value, type_)
    return f"{value} BETWEEN -{10**_DIGITS - 1} AND {10**_DIGITS - 1}"


def _decimal_fits(value: str, type_: str) -> str:
    precision, scale = (int(number) for number in _DECIMAL.fullmatch(type_).groups())  # type: ignore[union-attr]
    if precision <= _DIGITS:
        return ""
    digits = rf"length(replaceRegexpAll(toString({value}), '^-?0?\\.0*|[-.]', '')) <= {_DIGITS}"
    if scale >= _DIGITS:
        return digits
    most = 10 ** (_DIGITS - scale) - 1  # so many whole ones leave room for every digit after the point
    return f"({value} BETWEEN -{most} AND {most} OR {digits})"


def _days(value: str, field: Field) -> str:
    """Days since 1970-01-01 as they are shown, with a fraction for the time of day."""
    match unwrapped(field.clickhouse_type):
        case "Date":
            return f"toUInt16({value})"
        case "Date32":
            return f"toInt32({value})"
        case type_:
            seconds = f"toFloat64({value})" if type_.startswith("DateTime64") else f"toUnixTimestamp({value})"
            return f"({seconds} + timezoneOffset({_local(value)})) / {_DAY}"


def _local(value: str) -> str:
    return f"toTimeZone({value}, {{time_zone:String}})"


def _reaches_1900(field: Field) -> bool:
    return unwrapped(field.clickhouse_type).startswith(("Date32", "DateTime64"))


def _leap_shift(days: str, field: Field) -> str:
    return f" - ({days} < {_MARCH_1900})" if _reaches_1900(field) else ""


def _after_1899(value: str, field: Field) -> str:
    return f"{_days(value, field)} >= {_YEAR_1900}" if _reaches_1900(field) else ""


def _replacements(index: int, field: Field) -> Sequence[Replacement]:
    column = f"c{index}"
    if is_text(field):
        return text_replacements(index)
    match field.type:
        case FieldType.NUMBER:
            reason, fits = Reason.NUMBER_AS_TEXT, _fits(column, field)
        case FieldType.DATE | FieldType.DATETIME:
            reason, fits = Reason.DATE_AS_TEXT, _after_1899(column, field)
        case _:
            return ()
    return (Replacement(index, reason, f"NOT ({fits})"),) if fits else ()
