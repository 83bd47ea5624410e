"""A column of an extract -> SQL of its text, valid UTF-8 whatever bytes it holds."""

from __future__ import annotations

from segmentator_dagster.domain.catalogue import Field, FieldType
from segmentator_dagster.exports.source import Reason, Replacement

_NOT_TEXTS = (FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN)


def is_text(field: Field) -> bool:
    """Whether files show the values as text; what is no scalar is text in the extract already."""
    return field.type not in _NOT_TEXTS


def text_of(column: str) -> str:
    """The text; a sequence that is no UTF-8 becomes U+FFFD, zero bytes that fill up a FixedString are no text."""
    return f"toValidUTF8(toString({column}))"


def invalid_text(index: int) -> Replacement:
    return Replacement(index, Reason.INVALID_TEXT, is_invalid(f"c{index}"))


def is_invalid(column: str) -> str:
    return f"NOT isValidUTF8(toString({column}))"


def literal(text: str) -> str:
    """A constant of ours in SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def quoted(text: str, quote: str) -> str:
    """Text between quote characters, those inside it doubled."""
    return f"concat({literal(quote)}, replaceAll({text}, {literal(quote)}, {literal(quote * 2)}), {literal(quote)})"
