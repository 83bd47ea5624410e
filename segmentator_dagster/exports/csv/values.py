"""Fields and CSV options -> SQL of the text of each value, quotes and all.

Quoted are all texts, so that '' and NULL differ, and numbers whose decimal mark is the delimiter. Floats are the
shortest text that reads back as the same float, decimals have all digits of their scale, moments a fraction where it
is not zero (of three, six or nine digits) and no zone: it is the one of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped
from segmentator_dagster.domain.export_options import CsvOptions, DateFormat, Encoding
from segmentator_dagster.exports.csv.encodings import unencodable
from segmentator_dagster.exports.csv.formula_guard import guarded_sql, looks_like_formula
from segmentator_dagster.exports.csv.text_scan import TextColumn
from segmentator_dagster.exports.source import Reason, Replacement
from segmentator_dagster.exports.text_sql import invalid_text, is_text, literal, quoted, text_of

_SCALE = re.compile(r"^Decimal\(\d+, (\d+)\)$")
_DAY_FIRST = "%d.%m.%Y"
_DAY_FIRST_MOMENT = f"{_DAY_FIRST} %H:%i:%s"


def value_sql(index: int, field: Field, found: Mapping[int, TextColumn], options: CsvOptions) -> str:
    """The value of column c{index} as the file has it, where texts hold what was `found`; NULL stays NULL."""
    column = f"c{index}"
    match field.type:
        case FieldType.TEXT | FieldType.ARRAY | FieldType.MAP | FieldType.JSON | FieldType.OTHER:
            text = text_of(column) if found[index].has_invalid else f"toString({column})"
            if options.formula_guard and found[index].has_formulas:
                text = guarded_sql(text)
            quote = options.quote or '"'
            if found[index].has_quotes or quote == "'":  # the guard is an apostrophe
                return quoted(text, quote)
            return f"concat({literal(quote)}, {text}, {literal(quote)})"
        case FieldType.NUMBER:
            return _number(column, unwrapped(field.clickhouse_type), options)
        case FieldType.BOOLEAN:
            return column
        case FieldType.DATE:
            day_first = options.date_format is DateFormat.DAY_FIRST
            return f"formatDateTime({column}, '{_DAY_FIRST}')" if day_first else column
        case FieldType.DATETIME:
            local = f"toTimeZone({column}, {{time_zone:String}})"
            if options.date_format is not DateFormat.DAY_FIRST:
                return local
            text = f"formatDateTime({local}, '{_DAY_FIRST_MOMENT}')"
            has_fraction = unwrapped(field.clickhouse_type).startswith("DateTime64")
            return f"concat({text}, substring(toString({local}), 20))" if has_fraction else text


def replacements_of(index: int, field: Field, options: CsvOptions) -> Iterator[Replacement]:
    """What `value_sql` and the encoding change; a value may be changed for several reasons."""
    if not is_text(field):
        return
    text = text_of(f"c{index}")
    yield invalid_text(index)
    if options.formula_guard:
        yield Replacement(index, Reason.FORMULA_GUARD, looks_like_formula(text))
    if condition := unencodable(text, options.encoding or Encoding.UTF_8):
        yield Replacement(index, Reason.UNENCODABLE, condition)


def _number(column: str, type_: str, options: CsvOptions) -> str:
    mark = options.decimal_mark or "."
    scale = _SCALE.match(type_)
    if mark == "." or not (scale or "Float" in type_):
        return column
    text = f"toDecimalString({column}, {scale[1]})" if scale else f"toString({column})"
    text = f"replaceOne({text}, '.', {literal(mark)})"
    return quoted(text, options.quote or '"') if mark == options.delimiter else text
