from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.domain.uploaded_list import ListLabel
from tests.exports.conftest import Bench
from tests.exports.test_exporter import PLAIN, THREE, content, csv_rows, publish
from tests.storage.conftest import contents


def refused_audience(bench: Bench, segment: Segment) -> tuple[str, str]:
    with pytest.raises(UserError) as error:
        bench.exporter.take_audience(bench.exporter.begin(bench.run(bench.ask(segment, Format.CSV))))
    return error.value.code, error.value.problems[0].message("en")


def test_a_broken_segment_is_refused_at_once_with_the_reason(bench: Bench) -> None:
    dataset = bench.dataset(PLAIN, THREE)
    where = {"combinator": "and", "rules": [{"field": "city", "operator": "=", "value": "Омск"}]}
    by_city = bench.segment(dataset, {"kind": "activity", "dataset": dataset, "where": where})
    with_city = bench.segment(dataset, columns=("city",))
    user = bench.segment(dataset, {"kind": "segment", "segment_id": by_city.id})
    unread = bench.segment(dataset, {"kind": "from the future"})
    bench.admin.execute(CompiledQuery(f"ALTER TABLE datasets.{dataset} DROP COLUMN city"))
    for segment, reason in ((by_city, "`city`"), (with_city, "`city`"), (user, "`city`"), (unread, "from the future")):
        code, message = refused_audience(bench, segment)
        assert code == "segment_broken"
        assert reason in message
    bench.admin.execute(CompiledQuery(f"DROP TABLE datasets.{dataset} SYNC"))
    assert refused_audience(bench, by_city)[0] == "segment_broken"


def test_an_audience_follows_segments_and_lists_as_they_are_now_and_dates_of_its_own_moment(bench: Bench) -> None:
    dataset = bench.dataset(PLAIN, "VALUES ('a', 'Омск', today()), ('b', 'Уфа', today()), ('c', 'Омск', today() - 9)")
    part = bench.list_parts.begin()
    bench.admin.execute(
        CompiledQuery("INSERT INTO segmentator.list_items (part, value) SELECT {part:UUID}, 'b'", {"part": part})
    )
    named = bench.lists.create(ListLabel("list", dataset), contents(part), None)
    lately = {"field": "day", "operator": "inLast", "value": {"count": 7, "unit": "day"}}
    inner = bench.segment(
        dataset,
        {"kind": "activity", "dataset": dataset, "where": {"combinator": "and", "rules": [lately]}},
    )
    rule = {
        "kind": "group",
        "combinator": "and",
        "rules": [{"kind": "segment", "segment_id": inner.id}, {"kind": "list", "list_id": named.id, "not": True}],
    }
    request = bench.ask(bench.segment(dataset, rule), Format.CSV)
    before = datetime.now(UTC)
    published = publish(bench, request, Format.CSV)
    assert [row[0] for row in csv_rows(content(bench, published))] == ["user_id", "a"]
    assert before <= datetime.fromisoformat(published.manifest["data_moment"]) <= datetime.now(UTC)
