"""The catalogue as it stands now -> segments whose rule no longer goes with it are broken, others whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

import dagster as dg

from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.errors import Category, UserError
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.health import Checkup, SegmentHealth

_MOST_SEGMENTS = 300
_BATCH = 20  # in one transaction, which lets nobody else change a segment meanwhile


@dataclass(frozen=True, slots=True)
class Known:
    """The catalogue that was seen last and when it was seen first: segments checked before that are to be checked."""

    catalogue: str
    since: str

    @classmethod
    def of(cls, cursor: str | None) -> Known | None:
        return cls(**json.loads(cursor)) if cursor else None

    @property
    def cursor(self) -> str:
        return json.dumps(asdict(self))


def noticed(before: Known | None, catalogue: Catalogue, moment: datetime) -> Known:
    """What is known after the catalogue was read at a moment."""
    seen = digest(catalogue)
    return before if before is not None and before.catalogue == seen else Known(seen, moment.isoformat())


def digest(catalogue: Catalogue) -> str:
    """A text that differs whenever a rule may go with one catalogue and not with the other."""
    datasets = [
        [
            *(dataset.name, dataset.database, dataset.table, dataset.user_key, dataset.time_field),
            *((field.name, field.clickhouse_type) for field in dataset.fields),
        ]
        for _, dataset in sorted(catalogue.datasets.items())
    ]
    return hashlib.sha256(json.dumps(datasets).encode()).hexdigest()


@dg.sensor(
    name="segment_health_sensor",
    target=dg.AssetSelection.assets("segment_audience"),
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks segments broken, with the reason, when tables or columns they use are gone; and whole again.",
)
def segment_health_sensor(
    context: dg.SensorEvaluationContext,
    health: dg.ResourceParam[SegmentHealth],
    datasets: dg.ResourceParam[Datasets],
    clickhouse: dg.ResourceParam[ClickHouse],
) -> dg.SkipReason:
    moment = now()
    try:
        catalogue = read_catalogue(datasets, clickhouse)
    except UserError as error:
        if error.category is not Category.UNAVAILABLE:
            raise
        return dg.SkipReason(f"Nothing was checked: {error}.")  # a server that is down breaks no rule
    known = noticed(Known.of(context.cursor), catalogue, moment)
    context.update_cursor(known.cursor)
    done = Checkup()
    while done.segments < _MOST_SEGMENTS:
        batch = health.check(catalogue, datetime.fromisoformat(known.since), moment, _BATCH)
        done += batch
        if batch.segments < _BATCH:
            break
    return dg.SkipReason(
        f"{done.segments} segments checked, {len(done.broke)} broke, {len(done.healed)} are whole again."
    )
