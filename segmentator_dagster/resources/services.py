"""Settings -> the services that assets and sensors work with, unconnected until they are used."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from segmentator_dagster.exports.exporter import Exporter
from segmentator_dagster.exports.retention import Retention
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import database_of, objects_of, writer_of
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.health import SegmentHealth
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.profile import DatasetProfiler
from segmentator_dagster.storage.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Services:
    """Each is a resource of its name."""

    segments: Segments
    exports: Exports
    attempts: Attempts
    datasets: Datasets
    clickhouse: ClickHouse
    health: SegmentHealth
    exporter: Exporter
    profiler: DatasetProfiler
    retention: Retention

    @classmethod
    def of(cls, settings: Settings) -> Services:
        database, writer = database_of(settings), writer_of(settings)
        segments, exports = Segments(database), Exports(database, settings.export_defaults)
        attempts = Attempts(database, settings.export_defaults, keep_days=settings.export_days)
        datasets, objects = Datasets(database), objects_of(settings)
        exporter = Exporter(
            segments,
            exports,
            attempts,
            Snapshots(database),
            datasets,
            References(database),
            writer,
            objects,
            settings.clickhouse_database,
        )
        retention = Retention(exports, objects, Uploads(objects), writer, settings.clickhouse_database)
        health, profiler = SegmentHealth(database), DatasetProfiler(datasets, writer)
        return cls(segments, exports, attempts, datasets, writer, health, exporter, profiler, retention)

    def connect(self) -> None:
        """Open and import what a run will need, so that its first use costs nothing.

        For after a fork: all of this has threads.
        """
        import_module("numpy")
        import_module("openpyxl.writer.theme")
        import_module("pyarrow.parquet")
        self.segments.live_ids()
        self.clickhouse.ping()
        self.exporter.objects.ping()
