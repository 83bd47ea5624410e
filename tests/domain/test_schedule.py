"""Cron lines: which are taken, and when a segment is due, across the changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.schedule import check_cron, next_due


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("cron", ["0 6 * * 1", "*/15 * * * *", "0 0 29 2 *", "30 2 * * sun"])
def test_a_line_of_five_fields_that_comes_due_is_taken(cron: str) -> None:
    check_cron(cron)


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "0 6 * *",
        "0 6 * * 1 0",
        "@daily",
        "61 * * * *",
        "каждый день",
        "0 0 30 2 *",
        "0 0 31 4,6 *",
        "\ud800 * * * *",
    ],
)
def test_a_line_that_is_no_cron_or_never_comes_due_is_refused(cron: str) -> None:
    with pytest.raises(UserError) as refused:
        check_cron(cron, "/schedule/cron")
    assert [(one.code, one.pointer) for one in refused.value.problems] == [("bad_cron", "/schedule/cron")]


@pytest.mark.parametrize(
    ("time_zone", "after", "due"),
    [
        ("UTC", "2026-01-05 06:00", "2026-01-06 06:00"),
        ("Europe/Moscow", "2026-01-05 02:59", "2026-01-05 03:00"),
        ("Europe/Berlin", "2026-03-28 12:00", "2026-03-29 04:00"),
        ("Europe/Berlin", "2026-10-24 12:00", "2026-10-25 05:00"),
    ],
)
def test_due_is_the_local_hour_strictly_later(time_zone: str, after: str, due: str) -> None:
    assert next_due("0 6 * * *", time_zone, utc(after)) == utc(due)
