from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.export import (
    Comparison,
    Export,
    ExportError,
    ExportRequest,
    File,
    Format,
    Kept,
    Progress,
    Status,
    Trigger,
    file_kind,
)
from segmentator_dagster.domain.export_options import ExportOptions, resolved

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WAITING = Export(*("e", "r", 1, 1, Format.CSV, Status.REQUESTED, 0, Progress()), created_at=BEGAN, options=resolved())


def writing(progress: Progress, seconds: float = 2.0, status: Status = Status.RUNNING) -> Export:
    moments = {"phase_started_at": BEGAN, "progress_at": BEGAN + timedelta(seconds=seconds)}
    return replace(WAITING, status=status, progress=progress, **moments)


@pytest.mark.parametrize(
    ("format_", "said", "kind"),
    [
        ("csv", {}, (".csv", "text/csv; charset=utf-8")),
        ("csv", {"csv": {"profile": "excel-cp1251"}}, (".csv", "text/csv; charset=windows-1251")),
        ("csv", {"csv": {"compression": "gzip"}}, (".csv.gz", "application/gzip")),
        ("csv", {"csv": {"compression": "zstd"}}, (".csv.zst", "application/zstd")),
        (
            "csv",
            {"csv": {"compression": "zstd"}, "yandex_audience": {"email": "e"}},
            (".csv", "text/csv; charset=utf-8"),
        ),
        ("xlsx", {}, (".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")),
        ("xlsx", {"xlsx": {"overflow": "workbooks"}}, (".zip", "application/zip")),
        ("parquet", {"csv": {"compression": "gzip"}}, (".parquet", "application/vnd.apache.parquet")),
    ],
)
def test_a_file_has_the_suffix_and_type_of_its_form(format_: str, said: dict[str, Any], kind: tuple[str, str]) -> None:
    assert file_kind(Format(format_), resolved(ExportOptions.model_validate(said))) == kind


def test_a_layer_that_says_nothing_means_plain_files() -> None:
    assert file_kind(Format.CSV, ExportOptions()) == (".csv", "text/csv; charset=utf-8")
    assert file_kind(Format.XLSX, ExportOptions())[0] == ".xlsx"


@pytest.mark.parametrize("to", [None, "b"])
@pytest.mark.parametrize("keep", Kept)
def test_a_comparison_comes_out_of_its_json_as_it_was(to: str | None, keep: Kept) -> None:
    comparison = Comparison("a", to, keep)
    assert Comparison.from_json(comparison.as_json()) == comparison


def test_a_rate_is_rows_a_second_since_the_phase_began() -> None:
    assert writing(Progress("writing", 500, 1500, 9)).rate == 250
    assert writing(Progress("writing", 500, 500, 9), status=Status.PUBLISHED).rate == 250
    assert writing(Progress("audience", read_rows=500)).rate is None
    assert writing(Progress("writing", 500), seconds=0).rate is None
    assert replace(writing(Progress("writing", 500)), phase_started_at=None).rate is None
    assert replace(writing(Progress("writing", 500)), progress_at=None).rate is None


def test_an_eta_is_what_is_left_at_that_rate() -> None:
    assert writing(Progress("writing", 500, 1500, 9)).eta_seconds == 4
    assert writing(Progress("audience", read_rows=100, total_read_rows=400)).eta_seconds == 6
    assert writing(Progress("audience", read_rows=500, total_read_rows=400)).eta_seconds == 0  # it is an estimate


def test_an_eta_is_none_where_nobody_knows() -> None:
    assert WAITING.eta_seconds is None
    assert writing(Progress("writing", 500)).eta_seconds is None
    assert writing(Progress("audience", read_rows=5)).eta_seconds is None
    assert writing(Progress("writing", 0, 100)).eta_seconds is None
    assert writing(Progress("done", 500, 500), status=Status.PUBLISHED).eta_seconds is None


def test_the_first_file_names_the_export() -> None:
    files = (File("k1", "a 1.csv", 1, 2, "x"), File("k2", "a 2.csv", 1, 2, "y", "Омск"))
    assert (WAITING.object_key, WAITING.file_name) == (None, None)
    several = replace(WAITING, files=files)
    assert (several.object_key, several.file_name) == ("k1", "a 1.csv")


@pytest.mark.parametrize(("snapshot_id", "takes"), [(None, True), ("s", False)])
def test_a_request_takes_an_audience_unless_it_has_one(snapshot_id: str | None, takes: bool) -> None:
    request = ExportRequest("r", 1, 1, Trigger.API, 0, BEGAN, None, None, snapshot_id, resolved(), None, (WAITING,))
    assert request.takes_audience is takes
    assert not request.final
    assert replace(request, exports=(replace(WAITING, status=Status.FAILED),)).final


def test_an_error_keeps_the_words_of_both_languages() -> None:
    kind = ProblemKind("down", Category.UNAVAILABLE, en="{name} is down.", ru="{name} не отвечает.")
    assert ExportError.of(kind.at(name="S3")) == ExportError("down", "S3 не отвечает.", "S3 is down.")
