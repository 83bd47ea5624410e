"""Relative dates × today -> calendar days: the arithmetic behind `inLast`, `inPeriod` and the like."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from segmentator_dagster.domain.rule import Span, Unit

MOST_COUNT: Mapping[Unit, int] = {
    Unit.HOUR: 24 * 366,
    Unit.DAY: 36_600,
    Unit.WEEK: 5_200,
    Unit.MONTH: 1_200,
    Unit.YEAR: 100,
}
"""The largest `count` of a span, by unit: about a century."""

UNIT_LABELS: Mapping[Unit, tuple[str, str]] = {
    Unit.HOUR: ("часы", "hours"),
    Unit.DAY: ("дни", "days"),
    Unit.WEEK: ("недели", "weeks"),
    Unit.MONTH: ("месяцы", "months"),
    Unit.YEAR: ("годы", "years"),
}
"""In Russian and English."""

MOST_ANNIVERSARY: Mapping[Unit, int] = {Unit.DAY: 366, Unit.WEEK: 52, Unit.MONTH: 12}
"""The same of a span to an anniversary: about a year."""


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period around today: `days` gives its first and last day."""

    key: str
    label_ru: str
    label_en: str
    days: Callable[[date], tuple[date, date]]


def _months_on(day: date, months: int) -> date:
    """The same day of a later (or earlier) month, or that month's last one."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def moved(day: date, span: Span, sign: int) -> date:
    """The day a span of days or longer after (sign 1) or before (sign -1)."""
    count = sign * span.count
    match span.unit:
        case Unit.WEEK:
            return day + timedelta(weeks=count)
        case Unit.MONTH:
            return _months_on(day, count)
        case Unit.YEAR:
            return _months_on(day, 12 * count)
        case _:
            return day + timedelta(days=count)


def _week(day: date) -> tuple[date, date]:
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=6)


def _months(day: date, size: int) -> tuple[date, date]:
    """The whole month, quarter (3) or year (12) the day is in."""
    first = date(day.year, (day.month - 1) // size * size + 1, 1)
    return first, _months_on(first, size) - timedelta(days=1)


def _before(size: int) -> Callable[[date], tuple[date, date]]:
    return lambda day: _months(_months(day, size)[0] - timedelta(days=1), size)


_PERIODS = (
    Period("today", "сегодня", "today", lambda day: (day, day)),
    Period("yesterday", "вчера", "yesterday", lambda day: (day - timedelta(days=1),) * 2),
    Period("this_week", "на этой неделе", "this week", _week),
    Period("previous_week", "на прошлой неделе", "last week", lambda day: _week(day - timedelta(weeks=1))),
    Period("this_month", "в этом месяце", "this month", lambda day: _months(day, 1)),
    Period("previous_month", "в прошлом месяце", "last month", _before(1)),
    Period("this_quarter", "в этом квартале", "this quarter", lambda day: _months(day, 3)),
    Period("previous_quarter", "в прошлом квартале", "last quarter", _before(3)),
    Period("this_year", "в этом году", "this year", lambda day: _months(day, 12)),
    Period("previous_year", "в прошлом году", "last year", _before(12)),
)

PERIODS: Mapping[str, Period] = {period.key: period for period in _PERIODS}


def anniversary_days(today: date, span: Span) -> tuple[str, str]:
    """The first and last `MM-DD` of today and the days of the span after it.

    A whole year or more is every day. In a common year 29 February is kept on the 28th.
    """
    last = moved(today, span, 1)
    if (last - today).days >= 365:
        return "01-01", "12-31"
    to = f"{last:%m-%d}"
    return f"{today:%m-%d}", "02-29" if to == "02-28" and not calendar.isleap(last.year) else to


def clock_bound(moment: datetime, span: Span, sign: int) -> datetime:
    """The moment so many hours after or before."""
    return moment + timedelta(hours=sign * span.count)
