"""A cron line and a time zone -> the next moment a segment is due."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from croniter.croniter import CroniterError

from segmentator_dagster.domain.errors import Category, ProblemKind

BAD_CRON = ProblemKind(
    "bad_cron",
    Category.INVALID,
    en="{cron!r} is not a five-field cron line.",
    ru="{cron!r} — не строка cron из пяти полей.",
    hint_en="Minute, hour, day of month, month, day of week: `0 6 * * 1` is Mondays at 06:00.",
    hint_ru="Минута, час, день месяца, месяц, день недели: `0 6 * * 1` — по понедельникам в 06:00.",
)


def check_cron(cron: str, pointer: str = "") -> None:
    """UserError(bad_cron) where the line has not five fields or never comes due."""
    try:
        valid = len(cron.split()) == 5 and croniter.is_valid(cron)
        if valid:
            croniter(cron, datetime(2026, 1, 1, tzinfo=UTC)).get_next(datetime)
    except CroniterError:
        valid = False
    if not valid:
        raise BAD_CRON.error(pointer, cron=cron[:80])


def next_due(cron: str, time_zone: str, after: datetime) -> datetime:
    """The first moment the line names strictly after `after`, in UTC."""
    local = after.astimezone(ZoneInfo(time_zone))
    following: datetime = croniter(cron, local).get_next(datetime)
    return following.astimezone(UTC)
