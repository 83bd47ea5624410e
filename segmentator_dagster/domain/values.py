"""A condition's value + the field's column type -> values of one ClickHouse type, or what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import assert_never
from zoneinfo import ZoneInfo

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped
from segmentator_dagster.domain.errors import Problem, ProblemKind, pointer_to
from segmentator_dagster.domain.operators import Operator, Test
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.domain.rule import Scalar, Value

Typed = str | int | float | Decimal


@dataclass(frozen=True, slots=True)
class TypedValues:
    """Values ready to be bound: `values` as ClickHouse reads them, all of `clickhouse_type`."""

    clickhouse_type: str
    values: tuple[Typed, ...]
    by_day: bool = False  # a moment's field is compared by its calendar day in the rule's time zone


class UnfitValueError(Exception):
    """A value does not fit its field; `index` is its place in the list of values."""

    def __init__(self, kind: ProblemKind, index: int, **values: object) -> None:
        self.kind, self.index, self.values = kind, index, values
        super().__init__(kind.code)

    def problem(self, pointer: str, *, in_list: bool) -> Problem:
        return self.kind.at(pointer_to(pointer, self.index) if in_list else pointer, **self.values)


_EXACT = (Test.EQUALS, Test.ONE_OF, Test.HAS, Test.HAS_ANY, Test.HAS_ALL)
_LISTED = (Test.ONE_OF, Test.HAS_ANY, Test.HAS_ALL)


def scalars(value: Value) -> tuple[Scalar, ...]:
    """The values a condition compares with as a sequence, whatever their shape; spans and ids compare with none."""
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, Scalar) else ()


def typed_values(field: Field, operator: Operator, values: Sequence[Scalar], zone: ZoneInfo) -> TypedValues:
    """Type the values of one condition by the field's column; UnfitValueError for the first that does not fit.

    For relative operators and lists, which compare with no values of their own, this is not asked.
    """
    if operator.test is Test.ANNIVERSARY_BETWEEN:
        return TypedValues("UInt16", tuple(int(str(value).replace("-", "")) for value in values))
    match field.type:
        case FieldType.ARRAY:
            return typed_values(field.element, operator, values, zone)
        case FieldType.TEXT:
            return _texts(field, operator, values)
        case FieldType.NUMBER:
            return _numbers(field, operator, values)
        case FieldType.DATE:
            days = [_day(field, value, index) for index, value in enumerate(values)]
            return _days(field, days, unwrapped(field.clickhouse_type))
        case FieldType.DATETIME:
            return _moments(field, values, zone)
        case FieldType.BOOLEAN:
            return _booleans(field, operator, values)
        case FieldType.MAP | FieldType.JSON | FieldType.OTHER:
            raise UnfitValueError(problems.NOT_FILTERABLE, 0, name=field.name, type=field.clickhouse_type)
        case _:
            assert_never(field.type)


def _texts(field: Field, operator: Operator, values: Sequence[Scalar]) -> TypedValues:
    texts: list[Typed] = []
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise _wrong_type(field, value, index)
        if value == "" and operator.test in (Test.CONTAINS, Test.BEGINS_WITH, Test.ENDS_WITH):
            raise UnfitValueError(problems.EMPTY_TEXT, index)
        texts.append(value)
    return TypedValues("String", tuple(texts))


def _booleans(field: Field, operator: Operator, values: Sequence[Scalar]) -> TypedValues:
    for index, value in enumerate(values):
        if not isinstance(value, bool):
            raise _wrong_type(field, value, index)
    if operator.test in _LISTED:  # the driver sends no arrays of Bool
        return TypedValues("UInt8", tuple(int(value) for value in values))
    return TypedValues("Bool", tuple("true" if value else "false" for value in values))


_INTEGER_TYPES = (
    *(("Int64", -(2**63), 2**63 - 1), ("UInt64", 0, 2**64 - 1), ("Int128", -(2**127), 2**127 - 1)),
    *(("Int256", -(2**255), 2**255 - 1),),
)
_LARGEST_FLOATS = {"Float64": 1.7976931348623157e308, "Float32": 3.4028234663852886e38, "BFloat16": 3.38e38}
_DECIMAL = re.compile(r"^Decimal(?:(32|64|128|256)\((\d+)\)|\((\d+)(?:, ?(\d+))?\))$")
_DIGITS = {"32": 9, "64": 18, "128": 38, "256": 76}


def _numbers(field: Field, operator: Operator, values: Sequence[Scalar]) -> TypedValues:
    numbers: list[int | float] = []
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(field, value, index)
        numbers.append(value)
    column = unwrapped(field.clickhouse_type)
    if column.startswith("Decimal"):
        return _decimals(field, operator, column, numbers)
    if column in _LARGEST_FLOATS:
        return _floats(field, operator, column, numbers)
    return _integers(field, operator, numbers)


def _floats(field: Field, operator: Operator, column: str, numbers: Sequence[int | float]) -> TypedValues:
    """In the column's own precision: 0.1 equals the Float32 made from 0.1."""
    largest = _LARGEST_FLOATS[column]
    for index, number in enumerate(numbers):
        if not -largest <= number <= largest:
            raise _out_of_range(field, number, index, -largest, largest)
    floats = [float(number) for number in numbers]
    if operator.test in _LISTED and 0.0 in floats:
        floats.append(-0.0)  # ClickHouse's IN tells the two zeros apart, its `=` does not
    return TypedValues("Float64" if column == "Float64" else "Float32", tuple(floats))


def _integers(field: Field, operator: Operator, numbers: Sequence[int | float]) -> TypedValues:
    """ClickHouse compares integers of any width, and with Float64, by their true values."""
    low, high = _INTEGER_TYPES[-1][1:]
    for index, number in enumerate(numbers):
        if not low <= number <= high:
            raise _out_of_range(field, number, index, low, high)
        if isinstance(number, float) and operator.test in _EXACT:
            raise _too_precise(field, number, index)
    if any(isinstance(number, float) for number in numbers):
        return TypedValues("Float64", tuple(float(number) for number in numbers))
    name = next(name for name, low, high in _INTEGER_TYPES if all(low <= number <= high for number in numbers))
    return TypedValues(name, tuple(numbers))


def _decimals(field: Field, operator: Operator, column: str, numbers: Sequence[int | float]) -> TypedValues:
    """At the column's own scale, so that the engine rescales nothing and nothing overflows."""
    digits, scale = _decimal_size(column)
    most = digits if operator.test in _EXACT else 76
    exact = [Decimal(repr(number)) for number in numbers]
    for index, number in enumerate(exact):
        if _decimals_of(number) > scale:
            raise _too_precise(field, numbers[index], index)
        if number and number.adjusted() >= most - scale:
            largest = f"10^{most - scale}"
            raise _out_of_range(field, numbers[index], index, f"-{largest}", largest)
    fits = all(not number or number.adjusted() < digits - scale for number in exact)
    return TypedValues(f"Decimal({digits if fits else 76}, {scale})", tuple(exact))


def _decimals_of(number: Decimal) -> int:
    _, digits, exponent = number.as_tuple()
    trailing_zeros = len(digits) - len(str(int("".join(map(str, digits)))).rstrip("0"))
    return -int(exponent) - trailing_zeros if number else 0


def _decimal_size(column: str) -> tuple[int, int]:
    match = _DECIMAL.match(column)
    if match is None:
        return 10, 0  # plain `Decimal`
    return (_DIGITS[match[1]], int(match[2])) if match[1] else (int(match[3]), int(match[4] or 0))


_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$", re.ASCII)
_MOMENT = re.compile(r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?$", re.ASCII)
_DAY_RANGES = {
    "Date": (date(1970, 1, 1), date(2149, 6, 6)),
    "Date32": (date(1900, 1, 1), date(2299, 12, 31)),
}


def day_range(column: str) -> tuple[date, date]:
    """The first and last day a column of dates (or, by day, of moments) can be compared with."""
    return _DAY_RANGES.get(column, _DAY_RANGES["Date32"])


def names_a_moment(value: object) -> bool:
    """Whether a value of a rule is a moment whatever the time zone: it has an offset of its own."""
    match = _MOMENT.match(value) if isinstance(value, str) else None
    return match is not None and match[3] is not None


def _day(field: Field, value: Scalar, index: int) -> date:
    if isinstance(value, str) and _DAY.match(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise UnfitValueError(problems.IMPOSSIBLE_DATE, index, value=value) from None
    raise _wrong_type(field, value, index)


def _days(field: Field, days: Sequence[date], column: str, *, by_day: bool = False) -> TypedValues:
    low, high = day_range(column)
    for index, day in enumerate(days):
        if not low <= day <= high:
            raise _out_of_range(field, day, index, low, high)
    return TypedValues(column, tuple(day.isoformat() for day in days), by_day)


def _moments(field: Field, values: Sequence[Scalar], zone: ZoneInfo) -> TypedValues:
    """Dates alone compare by calendar day; with a time, by the moment, read in the rule's zone unless it names one."""
    by_day = [isinstance(value, str) and _DAY.match(value) is not None for value in values]
    if all(by_day):
        return _days(field, [_day(field, value, i) for i, value in enumerate(values)], "Date32", by_day=True)
    if any(by_day):
        raise UnfitValueError(problems.MIXED_MOMENTS, by_day.index(True))
    low, high = _moment_range(unwrapped(field.clickhouse_type))
    texts: list[str] = []
    for index, value in enumerate(values):
        moment = _moment(field, value, index)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if not low <= moment <= high:
            raise _out_of_range(field, value, index, low.isoformat(), high.isoformat())
        texts.append(moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"))
    return TypedValues("DateTime64(6, 'UTC')", tuple(texts))


def _moment(field: Field, value: Scalar, index: int) -> datetime:
    if isinstance(value, str) and _MOMENT.match(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise UnfitValueError(problems.IMPOSSIBLE_DATE, index, value=value) from None
    raise _wrong_type(field, value, index)


def _moment_range(column: str) -> tuple[datetime, datetime]:
    if not column.startswith("DateTime64"):
        return datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC)
    if moment_scale(column) >= 9:  # nanoseconds since 1970 in 64 bits
        return datetime(1900, 1, 1, tzinfo=UTC), datetime(2262, 4, 11, 23, 47, 16, tzinfo=UTC)
    return datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def moment_scale(clickhouse_type: str) -> int:
    """Decimal places of the second that `DateTime` (0) or `DateTime64(n)` keeps."""
    match = re.match(r"DateTime64\((\d)", unwrapped(clickhouse_type))
    return int(match[1]) if match else 0


_EXPECTED = {
    FieldType.TEXT: ("text", "текстом", 'Write it in quotes: "5".', 'Пишите в кавычках: "5".'),
    FieldType.NUMBER: ("numbers", "числами", "Write it without quotes: 5 or 0.5.", "Пишите без кавычек: 5 или 0.5."),
    FieldType.DATE: ("dates", "датами", 'Write it so: "2026-01-31".', 'Пишите так: "2026-01-31".'),
    FieldType.DATETIME: (
        *("dates and moments", "датами и моментами времени"),
        *('Write it so: "2026-01-31" or "2026-01-31T10:00:00".', 'Пишите так: "2026-01-31" или "2026-01-31T10:00:00".'),
    ),
    FieldType.BOOLEAN: ("true or false", "true или false", "Write it without quotes.", "Пишите без кавычек."),
}


def _wrong_type(field: Field, value: Scalar, index: int) -> UnfitValueError:
    keys = ("expected_en", "expected_ru", "example_en", "example_ru")
    texts = dict(zip(keys, _EXPECTED[field.type], strict=True))
    return UnfitValueError(problems.WRONG_VALUE_TYPE, index, name=shown(field.name), value=shown(value), **texts)


def _out_of_range(field: Field, value: object, index: int, low: object, high: object) -> UnfitValueError:
    bounds = {"low": low, "high": high, "type": field.clickhouse_type}
    return UnfitValueError(
        problems.VALUE_OUT_OF_RANGE, index, name=shown(field.name), value=shown(str(value)), **bounds
    )


def _too_precise(field: Field, value: object, index: int) -> UnfitValueError:
    place = {"name": shown(field.name), "type": field.clickhouse_type}
    return UnfitValueError(problems.VALUE_TOO_PRECISE, index, value=shown(str(value)), **place)
