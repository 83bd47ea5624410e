"""A text column -> its mask, made by the server: enough to know a value again, not to write to anybody."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import Infix, all_of, constant, fn, number, when

_ADDRESS = constant(r"'^\\s*[^@\\s][^@]*@[^@\\s]+\\s*$'")
_ONLY_PHONE = constant(r"'^[\\s()+.\\d-]+$'")
_NO_DIGIT = constant(r"'\\D'")
_PLUS, _AT, _NOTHING, _STARS, _MANY_STARS = (constant(f"'{text}'") for text in ("+", "@", "", "***", "*******"))
_PHONE_DIGITS = number(7)  # fewer are no telephone number


def masked(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """NULL stays NULL. `anna@mail.ru` becomes `a***@mail.ru`, `+7 916 123-45-67` `+7*******67`, `Anna` `A***`."""
    text = fn.toString(column)
    first = fn.substringUTF8(text, number(1), number(1))
    address = fn.concat(first, _STARS, _AT, fn.substringIndex(text, _AT, number(-1)))
    digits = fn.replaceRegexpAll(text, _NO_DIGIT, _NOTHING)
    country = when(fn.startsWith(text, _PLUS), fn.concat(_PLUS, fn.substring(digits, number(1), number(1))), _NOTHING)
    phone = fn.concat(country, _MANY_STARS, fn.substring(digits, number(-2)))
    is_phone = all_of([fn.match(text, _ONLY_PHONE), Infix(fn.length(digits), ">=", _PHONE_DIGITS)])
    plain = when(fn.empty(text), _NOTHING, fn.concat(first, _STARS))
    return fn.multiIf(fn.match(text, _ADDRESS), address, is_phone, phone, plain)
