from __future__ import annotations

import pytest

from segmentator_dagster.domain.uploaded_list import Contents, Mode, Recognised, UploadReport

REPORT = UploadReport(Mode.REPLACE, Recognised("csv", "user_id", 1), 5, 1, (2,), 1, 0, 3)


@pytest.mark.parametrize(("matched", "unmatched"), [(2, 1), (3, 0), (0, 3), (None, None)])
def test_what_is_not_matched_is_the_rest_and_unknown_where_nothing_was_compared(
    matched: int | None, unmatched: int | None
) -> None:
    assert Contents(("a",), 3, matched, REPORT).unmatched == unmatched
