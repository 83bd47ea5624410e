"""Columns c0, c1, … of a query -> SQL that renders each row as SpreadsheetML, so that ClickHouse writes the sheet.

Facts of Excel: 32 767 UTF-16 units in a cell, 15 significant digits in a number, no dates before 1900-01-01 and a
29 February 1900 that never was (ECMA-376 part 1, 18.3.1.4 and 18.17.4).
"""

from __future__ import annotations

from collections.abc import Sequence

from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped

EMPTY = "'<c/>'"
_UNITS = 32_767
_LARGEST_INTEGER = 999_999_999_999_999
_MARCH_1900 = -25_508  # days before 1970-01-01; serials are one less before it
_YEAR_1900 = -25_567
_SERIAL_OF_1970 = 25_569

_ILLEGAL = r"'[\\x00-\\x08\\x0B\\x0C\\x0E-\\x1F\\x{FFFE}\\x{FFFF}]'"
_NOT_TEXTS = (FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN)
_ASTRAL = r"'[\\x{10000}-\\x{10FFFF}]'"


def row_xml(fields: Sequence[Field]) -> str:
    """An expression that gives one `<row>` for columns c0, c1, … of these fields."""
    cells = ", ".join(cell_xml(f"c{index}", field) for index, field in enumerate(fields))
    return f"concat('<row>', {cells}, '</row>')"


def cell_xml(column: str, field: Field) -> str:
    """An expression that gives the `<c>` of one column; NULL is an empty cell."""
    value = f"assumeNotNull({column})"
    return f"if(isNull({column}), {EMPTY}, {_cell(value, field)})"


def replacements(fields: Sequence[Field]) -> str:
    """Expressions that count, by column, the values a cell cannot carry unchanged; 0 where a type always fits."""
    counts = []
    for index, field in enumerate(fields):
        text = _plain_text(f"assumeNotNull(c{index})", field)
        changed = f"isNotNull(c{index}) AND ({text} != {_fitting(text)})" if text else "0"
        counts.append(f"countIf({changed})")
    return ", ".join(counts)


def _cell(value: str, field: Field) -> str:
    match field.type:
        case FieldType.TEXT | FieldType.ARRAY | FieldType.MAP | FieldType.JSON | FieldType.OTHER:
            return _text_cell(f"toString({value})")
        case FieldType.BOOLEAN:
            return f"concat('<c t=\"b\"><v>', toString(toUInt8({value})), '</v></c>')"
        case FieldType.NUMBER:
            text = f"toString({value})"
            return f"if({_fits_a_number(value, field)}, {_number_cell(text)}, {_text_cell(text)})"
        case FieldType.DATE:
            return _date_cell(f"toInt32(toDate32({value}))", "", 1, f"toString({value})")
        case FieldType.DATETIME:
            local = f"toTimeZone({value}, {{time_zone:String}})"
            seconds = f"(toHour({local}) * 3600 + toMinute({local}) * 60 + toSecond({local}))"
            return _date_cell(f"toInt32(toDate32({local}))", f" + {seconds} / 86400", 2, f"toString({local})")


def _plain_text(value: str, field: Field) -> str | None:
    return f"toString({value})" if field.type not in _NOT_TEXTS else None


def _fits_a_number(value: str, field: Field) -> str:
    type_ = unwrapped(field.clickhouse_type)
    if "Float" in type_:
        return f"isFinite({value})"
    if type_.startswith("Decimal"):
        return f"length(replaceRegexpAll(toString({value}), '[^0-9]', '')) <= 15"
    if type_ in ("UInt8", "UInt16", "UInt32", "Int8", "Int16", "Int32"):
        return "1"
    return f"{value} BETWEEN -{_LARGEST_INTEGER} AND {_LARGEST_INTEGER}"


def _number_cell(text: str) -> str:
    return f"concat('<c><v>', {text}, '</v></c>')"


def _date_cell(days: str, fraction: str, style: int, iso: str) -> str:
    shift = f"({_SERIAL_OF_1970} - ({days} < {_MARCH_1900}))"
    serial = f"concat('<c s=\"{style}\"><v>', toString({days} + {shift}{fraction}), '</v></c>')"
    return f"if({days} >= {_YEAR_1900}, {serial}, {_text_cell(iso)})"


def _text_cell(text: str) -> str:
    # A cell reads `_x0041_` as an escaped character, and a bare carriage return as a line feed.
    literal = rf"replaceRegexpAll({_fitting(text)}, '_(x[0-9A-Fa-f]{{4}}_)', '_x005F_\\1')"
    escaped = f"replaceAll(encodeXMLComponent({literal}), '\\r', '&#13;')"
    return f"concat('<c t=\"inlineStr\"><is><t xml:space=\"preserve\">', {escaped}, '</t></is></c>')"


def _fitting(text: str) -> str:
    """Text as XML 1.0 and a cell can hold it: valid UTF-8, no forbidden characters, at most 32 767 UTF-16 units."""
    valid = f"replaceRegexpAll(toValidUTF8({text}), {_ILLEGAL}, '\\xEF\\xBF\\xBD')"
    astral = f"(length({valid}) - length(replaceRegexpAll({valid}, {_ASTRAL}, ''))) / 4"
    too_long = f"(length({text}) > {_UNITS}) AND (lengthUTF8({valid}) + {astral} > {_UNITS})"
    kept = f"if({astral} = 0, {_UNITS - 1}, {_UNITS // 2 - 1})"
    return f"if({too_long}, concat(substringUTF8({valid}, 1, {kept}), '…'), {valid})"
