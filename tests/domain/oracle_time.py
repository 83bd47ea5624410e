"""Relative dates in plain Python, day by day, without the product's calendar arithmetic."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from segmentator_dagster.domain.rule import Span

_DAY = timedelta(days=1)


def clock_span(span: Span) -> timedelta:
    """The length of a fixed span."""
    return span.count * {"hour": timedelta(hours=1), "day": _DAY, "week": 7 * _DAY}[span.unit]


def matches_relative(operator: str, value: Any, cell: Any, now: datetime) -> bool | None:
    """Whether a date or moment satisfies a relative operator at `now`, an aware moment in the rule's zone.

    None: the operator is not relative.
    """
    if operator not in ("inLast", "olderThan", "inNext", "inPeriod", "anniversaryWithin", "anniversaryBetween"):
        return None
    today = now.date()
    timed = isinstance(cell, datetime)
    day = cell.astimezone(now.tzinfo).date() if timed else cell
    if operator == "inPeriod":
        return day in set(_period(value, today))
    if operator == "anniversaryBetween":
        low, high = value
        own = f"{day.month:02}-{day.day:02}"
        return low <= own <= high if low <= high else own >= low or own <= high
    if operator == "anniversaryWithin":
        return any(_is_anniversary(day, one) for one in _days(today, _shifted(today, value, 1)))
    if value.unit == "hour":
        length = timedelta(hours=value.count)
        return {
            "inLast": now - length < cell <= now,
            "olderThan": cell <= now - length,
            "inNext": now < cell <= now + length,
        }[operator]
    past = cell <= now if timed else day <= today
    if operator == "inLast":
        return day > _shifted(today, value, -1) and past
    if operator == "olderThan":
        return day <= _shifted(today, value, -1)
    return not past and day <= _shifted(today, value, 1)


def _shifted(day: date, span: Span, sign: int) -> date:
    if span.unit in ("day", "week"):
        return day + sign * clock_span(span)
    year, month = day.year, day.month
    for _ in range(span.count * (12 if span.unit == "year" else 1)):
        month += sign
        if month in (0, 13):
            year, month = year + sign, 12 if month == 0 else 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _DAY


def _is_anniversary(of: date, day: date) -> bool:
    kept_early = (of.month, of.day) == (2, 29) and not calendar.isleap(day.year) and (day.month, day.day) == (2, 28)
    return (of.month, of.day) == (day.month, day.day) or kept_early


def _period(name: str, today: date) -> Iterator[date]:
    if name in ("today", "yesterday"):
        yield today if name == "today" else today - _DAY
        return
    which, _, unit = name.partition("_")

    def key(day: date) -> Any:
        return {
            "week": day.isocalendar()[:2],
            "month": (day.year, day.month),
            "quarter": (day.year, (day.month + 2) // 3),
            "year": day.year,
        }[unit]

    around = list(_days(today - 800 * _DAY, today + 400 * _DAY))
    wanted = key(today)
    if which == "previous":
        wanted = key(max(day for day in around if day < today and key(day) != wanted))
    yield from (day for day in around if key(day) == wanted)
