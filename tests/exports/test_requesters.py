"""What a run refuses to make, and for whom it works."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import Comparison, ExportRequest, Format, Kept, Status, Trigger
from segmentator_dagster.domain.export_options import AudiencePreset, ExportOptions, SplitOptions
from segmentator_dagster.domain.people import Person, Role
from segmentator_dagster.domain.segment import Segment
from tests.api.people import person
from tests.exports.conftest import Bench
from tests.exports.limited import COLUMNS, ROWS, as_csv, limit, published


@pytest.fixture
def dataset(bench: Bench) -> str:
    return bench.dataset(COLUMNS, ROWS)


@pytest.fixture
def vera(bench: Bench) -> Person:
    """A person who sees everything so far; an administrator is there beside them."""
    person(bench.database)
    return person(bench.database, "vera", Role.USER)


def refused(bench: Bench, request: ExportRequest) -> str:
    """The code of the refusal; nothing is in the store then and no extract was made."""
    with pytest.raises(UserError) as error:
        published(bench, request)
    assert bench.files() == []
    assert bench.extracts(request) == []
    return error.value.code


def scheduled(bench: Bench, segment: Segment, who: Person) -> ExportRequest:
    return bench.exporter.exports.request(segment, [Format.CSV], trigger=Trigger.SCHEDULE, requested_by_id=who.id)


@pytest.mark.parametrize(
    ("fields", "options", "code"),
    [
        ({"email": "masked"}, ExportOptions(yandex_audience=AudiencePreset(email="email")), "field_masked"),
        ({"phone": "masked"}, ExportOptions(yandex_audience=AudiencePreset(phone="phone")), "field_masked"),
        ({"email": "hidden"}, ExportOptions(yandex_audience=AudiencePreset(email="email")), "unknown_field"),
        ({"level": "masked"}, ExportOptions(split=SplitOptions(field="level")), "field_masked"),
        ({"level": "hidden"}, ExportOptions(split=SplitOptions(field="level")), "split_field_not_exported"),
    ],
)
def test_options_that_need_the_values_of_a_masked_or_hidden_field_are_refused_by_the_run_too(
    bench: Bench, dataset: str, vera: Person, fields: dict[str, str], options: ExportOptions, code: str
) -> None:
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id, export=options)
    limit(bench, vera, dataset, fields)
    assert refused(bench, request) == code


def test_a_split_by_a_hidden_column_that_the_segment_names_is_refused(bench: Bench, dataset: str, vera: Person) -> None:
    segment = bench.segment(dataset, columns=("level", "spent"))
    options = ExportOptions(split=SplitOptions(field="level"))
    request = bench.ask(segment, Format.CSV, requested_by_id=vera.id, export=options)
    limit(bench, vera, dataset, {"level": "hidden"})
    assert refused(bench, request) == "split_field_not_exported"


@pytest.mark.parametrize(("most", "made"), [(2, False), (3, True)])
def test_more_rows_than_allowed_are_refused_and_none_is_cut(
    bench: Bench, dataset: str, vera: Person, most: int, made: bool
) -> None:
    limit(bench, vera, dataset, {}, max_rows=most)
    halves = ExportOptions(split=SplitOptions(rows=1))  # it is not each file by itself that counts
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id, export=halves)
    if made:
        assert published(bench, request)[Format.CSV].manifest["rows"] == 3
    else:
        assert refused(bench, request) == "too_many_rows"


def test_of_a_comparison_the_users_in_it_count(bench: Bench, dataset: str, vera: Person) -> None:
    segment = bench.segment(dataset)
    first = published(bench, bench.ask(segment, Format.CSV))[Format.CSV].export.snapshot_id
    bench.admin.execute(
        CompiledQuery(f"INSERT INTO datasets.{dataset} SELECT 'd', NULL, '', '', 'no', NULL, 0 FROM numbers(1)")
    )
    limit(bench, vera, dataset, {}, max_rows=2)
    added, stayed = (Comparison(first or "", None, kept) for kept in (Kept.ADDED, Kept.STAYED))
    one = published(bench, bench.ask(segment, Format.CSV, requested_by_id=vera.id, compare=added))[Format.CSV]
    assert one.manifest["rows"] == 1
    with pytest.raises(UserError) as error:
        published(bench, bench.ask(segment, Format.CSV, requested_by_id=vera.id, compare=stayed))
    assert error.value.code == "too_many_rows"
    assert error.value.problems[0].values == {"rows": 3, "limit": 2}


def test_a_dataset_that_is_closed_meanwhile_fails_before_its_rule_runs(
    bench: Bench, dataset: str, vera: Person
) -> None:
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    limit(bench, vera, dataset, {}, datasets={dataset: False})
    assert refused(bench, request) == "dataset_not_allowed"
    current = bench.exporter.exports.of_request(request.id)
    assert current is not None
    assert current.snapshot_id is None


def test_whoever_may_no_longer_export_gets_nothing(bench: Bench, dataset: str, vera: Person) -> None:
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    limit(bench, vera, dataset, {}, may_export=False)
    assert refused(bench, request) == "export_not_allowed"


def test_what_was_asked_for_before_a_block_is_finished_with_the_limits_of_who_asked(
    bench: Bench, dataset: str, vera: Person
) -> None:
    limit(bench, vera, dataset, {"email": "masked"})
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    bench.exporter.requesters.people.block(vera.id)
    assert b"a***@mail.ru" in bench.content(published(bench, request)[Format.CSV])


def test_nothing_is_made_for_an_account_that_is_deleted_and_took_its_limits_with_it(
    bench: Bench, dataset: str, vera: Person
) -> None:
    limit(bench, vera, dataset, {"email": "masked"})
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    bench.exporter.requesters.people.delete(vera.id)
    assert refused(bench, request) == "owner_blocked"


def test_a_run_of_a_schedule_whose_owner_was_blocked_after_its_tick_makes_nothing(
    bench: Bench, dataset: str, vera: Person
) -> None:
    request = scheduled(bench, bench.segment(dataset), vera)
    bench.exporter.requesters.people.block(vera.id)
    assert refused(bench, request) == "owner_blocked"


def test_a_scheduled_file_has_the_access_of_the_owner(bench: Bench, dataset: str, vera: Person) -> None:
    limit(bench, vera, dataset, {"email": "masked", "phone": "hidden"})
    one = published(bench, scheduled(bench, bench.segment(dataset), vera))[Format.CSV]
    assert as_csv(bench.content(one))[0] == ("user_id", "email", "card", "level", "born", "spent")
    assert b"a***@mail.ru" in bench.content(one)


def test_a_rerun_in_dagster_is_the_installations_and_a_retry_is_still_the_persons(
    bench: Bench, dataset: str, vera: Person
) -> None:
    limit(bench, vera, dataset, {"email": "masked"})
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    bench.exporter.begin(bench.run(request))
    retry = bench.run(request, "run2", parent_run_id="run1", automatic_retry=True)
    claimed = bench.exporter.begin(retry)
    bench.exporter.take_audience(claimed)
    assert b"a***@mail.ru" in bench.content(bench.exporter.write_file(claimed, Format.CSV, retry))
    again = bench.run(request, "run3", parent_run_id="run2")
    rerun = bench.exporter.begin(again)
    bench.exporter.take_audience(rerun)
    one = bench.exporter.write_file(rerun, Format.CSV, again)
    assert (one.export.requested_by_id, one.export.status) == (None, Status.PUBLISHED)
    assert b"anna@mail.ru" in bench.content(one)
