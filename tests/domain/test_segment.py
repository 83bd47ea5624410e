from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.domain.segment import Definition, Segment, search_key
from segmentator_dagster.domain.tags import BATCH, INTERACTIVE, LANE_TAG, REQUEST_TAG

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_segment_is_the_partition_of_its_id_whatever_it_is_called() -> None:
    definition = Definition("Весна", {"kind": "everyone"}, "d", "Europe/Moscow")
    assert Segment(17, 3, definition, "f", None, MOMENT, MOMENT).partition_key == "17"


@pytest.mark.parametrize("text", ["Весна  2026", " весна 2026 ", "ВЕСНА\t2026\n"])
def test_names_are_compared_without_case_and_outer_or_double_blanks(text: str) -> None:
    assert search_key(text) == "весна 2026"


def test_our_tags_cannot_be_taken_for_those_of_dagster() -> None:
    assert {tag.partition("/")[0] for tag in (REQUEST_TAG, LANE_TAG)} == {"segmentator"}
    assert REQUEST_TAG != LANE_TAG
    assert INTERACTIVE != BATCH
