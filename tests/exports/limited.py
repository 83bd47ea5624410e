"""A dataset with contacts, a person who sees less of it than others, and what a run makes for them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export import ExportRequest, Format
from segmentator_dagster.domain.people import Person
from segmentator_dagster.exports.exporter import Published
from tests.exports.conftest import Bench

COLUMNS = (
    "user_id String, email Nullable(String), phone LowCardinality(String), card FixedString(8), "
    "level Enum8('gold' = 1, 'no' = 2), born Nullable(Date), spent Decimal(9, 2)"
)
ROWS = (
    "VALUES ('a', 'anna@mail.ru', '+7 916 123-45-67', '12345678', 'gold', '1990-01-31', 10.5), "
    "('b', NULL, '', 'ab', 'no', NULL, 0), ('c', 'al@x.co', '8 916 1234568', '', 'gold', '2000-02-29', 1)"
)
LIMITED = {"email": "masked", "phone": "masked", "card": "masked", "level": "masked", "born": "hidden"}


def limit(bench: Bench, who: Person, dataset: str, fields: Mapping[str, str] = LIMITED, **more: Any) -> None:
    layer = AccessLayer.model_validate({"fields": {dataset: fields}, **more})
    bench.exporter.requesters.people.set_access(who.id, layer)


def published(bench: Bench, request: ExportRequest) -> dict[Format, Published]:
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    if claimed.takes_audience:
        bench.exporter.take_audience(claimed)
    return {export.format: bench.exporter.write_file(claimed, export.format, run) for export in request.exports}


def as_csv(data: bytes) -> list[tuple[Any, ...]]:
    header, *rows = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    return [tuple(header), *map(tuple, rows)]
