"""A text that a spreadsheet would take for a formula -> the same text with an apostrophe before it.

OWASP, CSV injection: a cell is a formula by its first character, full-width ones too, and spreadsheets look for it
behind blanks, quotes, marks without width and control characters.
"""

from __future__ import annotations

import re

from segmentator_dagster.exports.text_sql import literal

# RE2 and Python's `re` read it alike.
_UNSEEN = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\"'\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff"
_PATTERN = f"^[{_UNSEEN}]*[-=+@\\t\\r\\n＝＋－＠]"
_GUARDED = re.compile(_PATTERN)
_FIRST_BYTES = (*range(0x21), *b"\"'+-=@", 0xC2, 0xE1, 0xE2, 0xE3, 0xEF)  # of all texts that the pattern matches


def looks_like_formula(text_sql: str) -> str:
    """SQL that is 1 where the guard is needed. Most texts are known by their first byte, at a fifth of the cost."""
    may_need = f"ascii({text_sql}) IN ({', '.join(map(str, _FIRST_BYTES))})"
    return f"{may_need} AND match({text_sql}, {literal(_PATTERN)})"


def guarded_sql(text_sql: str) -> str:
    return f"if({looks_like_formula(text_sql)}, concat({literal(chr(39))}, {text_sql}), {text_sql})"


def guarded(text: str) -> str:
    return f"'{text}" if _GUARDED.match(text) else text
