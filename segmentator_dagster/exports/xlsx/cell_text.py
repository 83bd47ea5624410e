"""SQL of a text -> SQL of what a cell holds of it: XML 1.0 without what it forbids, at most 32 767 UTF-16 units.

Nearly all texts go into XML as they are. `needs_care` finds out at the price of one regular expression a row, and only
what it finds is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from segmentator_dagster.exports.source import Reason, Replacement
from segmentator_dagster.exports.text_sql import invalid_text, literal

MOST_UNITS = 32_767  # ECMA-376 part 1, 18.18.37 leaves it open; Excel's own limit
ILLEGAL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]"
ESCAPE = r"_(x[0-9A-Fa-f]{4})"  # a cell reads `_x0041_` as A; the last `_` may begin the next one

_BETWEEN = "|"
_CARE = literal(rf"[\x00-\x1F&<>\x{{FFFE}}\x{{FFFF}}]|_x|\{_BETWEEN} | \{_BETWEEN}")
_RARE = literal(rf"{ILLEGAL}|_x")
_ILLEGAL = literal(ILLEGAL)
_ESCAPE, _ESCAPED = literal(ESCAPE), literal(r"_x005F_\1")
_CARRIAGE_RETURN, _LINE_FEED, _REPLACED = literal("\r"), literal("\n"), literal("\ufffd")
_ASTRAL = literal(r"([\x{10000}-\x{10FFFF}])")
_PAD = literal("\x01")  # before each character of two units, so that characters count units; no text has it any more
_PADDED = literal("\x01\\1")


def needs_care(texts: Sequence[str]) -> str:
    """SQL that is 1 where one of these non-NULL texts is not XML as it stands, or maybe is too long."""
    joined = f", '{_BETWEEN}', ".join(texts)
    line = f"(concat('{_BETWEEN}', {joined}, '{_BETWEEN}') AS texts)"
    return f"match({line}, {_CARE}) OR NOT isValidUTF8(texts) OR length(texts) > {MOST_UNITS}"


def escaped(index: int, text: str) -> str:
    """The text of a cell in column `index` as XML; no line feed is left in it.

    What is used twice has a name, so that the query of a wide table stays as short as the server takes it.
    """
    rarely = f"match({text} AS t{index}, {_RARE}) OR NOT isValidUTF8(t{index}) OR length(t{index}) > {MOST_UNITS}"
    kept = f"replaceRegexpAll({_fitting(index)}, {_ESCAPE}, {_ESCAPED})"
    xml = f"encodeXMLComponent(if({rarely}, {kept}, t{index}))"
    carriage = f"replaceAll({xml}, {_CARRIAGE_RETURN}, '&#13;')"  # XML makes a bare one a line feed
    return f"replaceAll({carriage}, {_LINE_FEED}, '&#10;')"


def text_replacements(index: int) -> Sequence[Replacement]:
    """What of the texts in c{index} a cell cannot hold."""
    text = f"toString(c{index})"
    too_long = f"length({text}) > {MOST_UNITS} AND lengthUTF8({_padded(text)}) > {MOST_UNITS}"
    return (
        invalid_text(index),
        Replacement(index, Reason.ILLEGAL_CHARACTER, f"match({text}, {_ILLEGAL})"),
        Replacement(index, Reason.TOO_LONG, too_long),
    )


def _padded(text: str) -> str:
    legal = f"replaceRegexpAll(toValidUTF8({text}), {_ILLEGAL}, {_REPLACED})"
    return f"replaceRegexpAll({legal}, {_ASTRAL}, {_PADDED})"


def _fitting(index: int) -> str:
    padded, cut = f"{_padded(f't{index}')} AS p{index}", f"substringUTF8(p{index}, 1, {MOST_UNITS - 1})"
    return f"replaceAll(if(lengthUTF8({padded}) > {MOST_UNITS}, concat({cut}, '…'), p{index}), {_PAD}, '')"
