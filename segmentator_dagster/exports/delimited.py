"""Columns c0, c1, … of a query -> CSV text rendered by ClickHouse; rows counted from the text itself.

The profile is RFC 4180: UTF-8, comma, CRLF, quoted text, ISO dates, NULL as nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from segmentator_dagster.domain.catalogue import Field, FieldType

SETTINGS = {
    "format_csv_delimiter": ",",
    "format_csv_null_representation": "",
    "output_format_csv_crlf_end_of_line": 1,
    "output_format_decimal_trailing_zeros": 1,
    "bool_true_representation": "true",
    "bool_false_representation": "false",
}


def column_sql(column: str, field: Field) -> str:
    """An expression whose CSV text is the value as the profile writes it."""
    match field.type:
        case FieldType.TEXT | FieldType.ARRAY | FieldType.MAP | FieldType.JSON | FieldType.OTHER:
            return f"toString({column})"
        case FieldType.DATETIME:
            return f"toString(toTimeZone({column}, {{time_zone:String}}))"
        case FieldType.NUMBER | FieldType.DATE | FieldType.BOOLEAN:
            return column


def header_line(names: Sequence[str]) -> bytes:
    return (",".join('"' + name.replace('"', '""') + '"' for name in names) + "\r\n").encode()


@dataclass
class RecordCounter:
    """Counts the records in CSV text that passes through: line ends outside quotes."""

    records: int = 0
    _inside_quotes: bool = False

    def counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            pieces = chunk.split(b'"')
            outside = pieces[1::2] if self._inside_quotes else pieces[0::2]
            self.records += sum(piece.count(b"\n") for piece in outside)
            self._inside_quotes ^= len(pieces) % 2 == 0
            yield chunk
