"""Everything Dagster loads: assets, sensors and the services they work with."""

import os

import dagster as dg

from segmentator_dagster.assets.audience import segment_audience
from segmentator_dagster.assets.datasets import dataset
from segmentator_dagster.assets.files import segment_csv, segment_parquet, segment_xlsx
from segmentator_dagster.logs import configure
from segmentator_dagster.resources.services import Services
from segmentator_dagster.sensors.endings import export_endings_sensor
from segmentator_dagster.sensors.health import segment_health_sensor
from segmentator_dagster.sensors.partitions import partitions_mirror_sensor
from segmentator_dagster.sensors.requests import export_requests_sensor
from segmentator_dagster.sensors.retention import retention_sensor
from segmentator_dagster.sensors.schedules import segment_schedules_sensor
from segmentator_dagster.settings import Settings

_settings = Settings.load()
configure(_settings)
# An exception may quote an address with its password. Dagster stores a number in its place, under which our log, which
# takes secrets out, has the whole.
os.environ["DAGSTER_REDACT_USER_CODE_ERRORS"] = "true"
_services = Services.of(_settings)

defs = dg.Definitions(
    assets=[dataset, segment_audience, segment_csv, segment_xlsx, segment_parquet],
    sensors=[
        partitions_mirror_sensor,
        export_requests_sensor,
        segment_schedules_sensor,
        export_endings_sensor,
        segment_health_sensor,
        retention_sensor,
    ],
    resources={
        "segments": _services.segments,
        "exports": _services.exports,
        "attempts": _services.attempts,
        "datasets": _services.datasets,
        "clickhouse": _services.clickhouse,
        "health": _services.health,
        "exporter": _services.exporter,
        "due_exports": _services.due_exports,
        "profiler": _services.profiler,
        "retention": _services.retention,
        "scrubber": _services.scrubber,
    },
    executor=dg.in_process_executor,
)

warm_up = _services.connect
