"""Text of a cell -> a typed value, as ClickHouse expressions; the one place that knows how values are written.

Recognised by itself:
  integer   -?digits, 18 at most, no leading zero or plus (those are ids and phones)
  number    the same with a fraction and/or an exponent; in files not separated by commas also 1 234,50
  boolean   true, false in any case
  date      YYYY-MM-DD, DD.MM.YYYY
  datetime  a date, then T or space, H:MM[:SS[.fraction]], then maybe Z, +HH, +HH:MM, +HHMM; without a zone it is UTC
Only where the type is stated (lax): leading zeros and plus in numbers, 1 and 0 as booleans, YYYYMMDD as dates.
Spaces around a value do not count, and a value of nothing but spaces is empty, except in text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


class ValueType(StrEnum):
    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"


# Narrow before wide: of two types that fit equally many values the first is taken.
RECOGNISED = (ValueType.BOOLEAN, ValueType.INTEGER, ValueType.NUMBER, ValueType.DATE, ValueType.DATETIME)

_GROUPED = r"^[+-]?[0-9]{1,3}([ \\x{00A0}\\x{202F}][0-9]{3})+(,[0-9]+)?$"
_INTEGER = "^(0|-?[1-9][0-9]{0,17})$"
_INTEGER_LAX = "^[+-]?[0-9]{1,20}$"
_NUMBER = r"^-?((0|[1-9][0-9]{0,17})(\\.[0-9]{1,30}([eE][+-]?[0-9]{1,3})?|[eE][+-][0-9]{1,3})?|\\.[0-9]{1,30})$"
_NUMBER_LAX = r"^[+-]?([0-9]{1,20}(\\.[0-9]{1,30})?|\\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?$"
_ISO_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_RUSSIAN_DATE = r"^[0-9]{2}\\.[0-9]{2}\\.[0-9]{4}"
_COMPACT_DATE = "^(19|20)[0-9]{6}$"
_TIME = r"^[T ]([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?( ?(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?))?$"


@dataclass(frozen=True, slots=True)
class Notation:
    """How the values of one column of text are written. Its expressions need the aliases that `definitions` makes."""

    column: str
    decimal_comma: bool = False
    lax: bool = False

    @property
    def trimmed(self) -> str:
        return f"{self.column}_trimmed"

    @property
    def _digits(self) -> str:
        return f"{self.column}_digits"

    @property
    def _iso(self) -> str:
        return f"{self.column}_iso"

    @property
    def _day(self) -> str:
        return f"{self.column}_day"

    def definitions(self, source: str) -> tuple[str, ...]:
        """The aliases for a WITH clause; `source` is the expression of the cell, a Nullable(String)."""
        day = f"substring({self._iso}, 1, 10)"
        return (
            f"trimBoth(ifNull({source}, '')) AS {self.trimmed}",
            f"{self._machine_number()} AS {self._digits}",
            f"{self._iso_date()} AS {self._iso}",
            # toDate32OrNull makes 1 March of 30 February: only what it gives back unchanged is a date.
            f"if(toString(toDate32OrNull({day})) = {day}, toDate32OrNull({day}), NULL) AS {self._day}",
        )

    def _machine_number(self) -> str:
        text = self.trimmed
        if self.decimal_comma:
            joined = f"if(match({text}, '{_GROUPED}'), replaceRegexpAll({text}, '[^0-9,+-]', ''), {text})"
            text = f"replaceOne({joined}, ',', '.')"
        return f"replaceRegexpOne({text}, '^[+]', '')" if self.lax else text

    def _iso_date(self) -> str:
        """The date as YYYY-MM-DD with what follows it; or '' where no date stands at the beginning."""
        text = self.trimmed
        turned = (
            "concat(substring({0}, 7, 4), '-', substring({0}, 4, 2), '-', substring({0}, 1, 2), substring({0}, 11))"
        )
        branches = f"match({text}, '{_ISO_DATE}'), {text}, match({text}, '{_RUSSIAN_DATE}'), {turned.format(text)}"
        if self.lax:
            spaced = "concat(substring({0}, 1, 4), '-', substring({0}, 5, 2), '-', substring({0}, 7, 2))"
            branches += f", match({text}, '{_COMPACT_DATE}'), {spaced.format(text)}"
        return f"multiIf({branches}, '')"

    def value(self, value_type: ValueType) -> str:
        """The value, or NULL where the cell is empty or not written as this type."""
        match value_type:
            case ValueType.TEXT:
                return self.trimmed
            case ValueType.BOOLEAN:
                yes, no = ("'true', '1'", "'false', '0'") if self.lax else ("'true'", "'false'")
                text = f"lower({self.trimmed})"
                return f"multiIf({text} IN ({yes}), true, {text} IN ({no}), false, NULL)"
            case ValueType.INTEGER:
                pattern = _INTEGER_LAX if self.lax else _INTEGER
                return f"if(match({self._digits}, '{pattern}'), toInt128OrNull({self._digits}), NULL)"
            case ValueType.NUMBER:
                pattern = _NUMBER_LAX if self.lax else _NUMBER
                number = f"toFloat64OrNull({self._digits})"
                return f"if(match({self._digits}, '{pattern}') AND isFinite({number}), {number}, NULL)"
            case ValueType.DATE:
                fits = f"length({self._iso}) = 10 AND toYear({self._day}) BETWEEN 1900 AND 2299"
                return f"if({fits}, {self._day}, NULL)"
            case ValueType.DATETIME:
                return self.moment(6)
            case _:
                assert_never(value_type)

    def moment(self, scale: int) -> str:
        """A datetime with `scale` digits of fraction; a date alone is its midnight.

        Years 1901 to 2261: what DateTime64(9) holds in every zone.
        """
        time = f"(length({self._iso}) = 10 OR match(substring({self._iso}, 11), '{_TIME}'))"
        fits = f"toYear({self._day}) BETWEEN 1901 AND 2261 AND {time}"
        return f"if({fits}, parseDateTime64BestEffortOrNull({self._iso}, {scale}, 'UTC'), NULL)"

    def decimal(self, scale: int) -> str:
        """A number as Decimal(18, scale)."""
        return f"toDecimal64OrNull({self._digits}, {scale})"

    @property
    def fraction_digits(self) -> str:
        """How many digits a number has after its point."""
        return f"length(extract({self._digits}, '[.]([0-9]+)'))"

    @property
    def whole_digits(self) -> str:
        return f"length(extract({self._digits}, '^-?([0-9]*)'))"

    @property
    def has_exponent(self) -> str:
        return f"match({self._digits}, '[eE]')"

    @property
    def second_digits(self) -> str:
        """How many digits a datetime has after its seconds."""
        return f"length(extract({self._iso}, '[.]([0-9]+)'))"
