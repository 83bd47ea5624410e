"""A text column -> its mask, made by the server: enough to know a value again, not to write to anybody.

What a mask shows, at most: of an address the first character and the domain, of a phone number in the form with a plus
the first digit of the country, of any phone number the last two digits, of any other text the first character. A text,
or the part of an address before the @, that has fewer than three characters shows none of them. Stars are always as
many, so that nobody counts characters. NULL stays NULL and an empty text empty.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import Infix, all_of, constant, fn, number, when

# One @, no blank, and a host name of letters, digits and hyphens after it: other texts with an @ are no addresses, and
# what stands behind theirs is not shown. RE2 knows letters of every alphabet.
_ADDRESS = constant(r"'^[^@\\s]+@([\\pL\\pN-]+\\.)+\\pL[\\pL\\pN-]+$'")
_ONLY_PHONE = constant(r"'^[\\s()+.\\d-]+$'")
_NO_DIGIT = constant(r"'\\D'")
_PLUS, _AT, _NOTHING, _STARS, _MANY_STARS = (constant(f"'{text}'") for text in ("+", "@", "", "***", "*******"))
_PHONE_DIGITS = number(7)  # fewer are no telephone number
_LONG_ENOUGH = number(3)


def masked(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """`anna@mail.ru` becomes `a***@mail.ru`, `+7 916 123-45-67` `+7*******67`, `Anna` `A***`, `Al` `***`."""
    # bytes that are no UTF-8 first: one that announces three more would take them along as "one character"
    text = fn.trimBoth(fn.toValidUTF8(fn.toString(column)))
    at = fn.position(text, _AT)
    name = fn.substring(text, number(1), Infix(at, "-", number(1)))
    address = fn.concat(_first(name), _STARS, fn.substring(text, at))
    digits = fn.replaceRegexpAll(text, _NO_DIGIT, _NOTHING)
    country = when(fn.startsWith(text, _PLUS), fn.concat(_PLUS, fn.substring(digits, number(1), number(1))), _NOTHING)
    phone = fn.concat(country, _MANY_STARS, fn.substring(digits, number(-2)))
    is_phone = all_of([fn.match(text, _ONLY_PHONE), Infix(fn.length(digits), ">=", _PHONE_DIGITS)])
    plain = when(fn.empty(text), _NOTHING, fn.concat(_first(text), _STARS))
    return fn.multiIf(fn.match(text, _ADDRESS), address, is_phone, phone, plain)


def _first(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The first character of what has more than two, else nothing; of NULL NULL."""
    return fn.substringUTF8(text, number(1), Infix(fn.lengthUTF8(text), ">=", _LONG_ENOUGH))
