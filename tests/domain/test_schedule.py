"""Cron lines: which are taken, and when a segment is due, across the changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.schedule import check_cron, next_due


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
        ("UTC", datetime(2026, 1, 5, 6, 0), datetime(2026, 1, 6, 6, 0)),
        ("Europe/Moscow", datetime(2026, 1, 5, 2, 59), datetime(2026, 1, 5, 3, 0)),
        ("Europe/Berlin", datetime(2026, 3, 28, 12, 0), datetime(2026, 3, 29, 4, 0)),
        ("Europe/Berlin", datetime(2026, 10, 24, 12, 0), datetime(2026, 10, 25, 5, 0)),
    ],
)
def test_due_is_the_local_hour_strictly_later(time_zone: str, after: datetime, due: datetime) -> None:
    assert next_due("0 6 * * *", time_zone, after.replace(tzinfo=UTC)) == due.replace(tzinfo=UTC)
