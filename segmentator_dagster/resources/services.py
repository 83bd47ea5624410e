"""Settings -> the services that assets and sensors work with, unconnected until they are used."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from segmentator_dagster.exports.due_exports import DueExports
from segmentator_dagster.exports.exporter import Exporter
from segmentator_dagster.exports.requesters import Requesters
from segmentator_dagster.exports.retention import Retention
from segmentator_dagster.scrubbing import Scrubber
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import current_settings_of, database_of, objects_of, writer_of
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.current_settings import CurrentSettings
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.health import SegmentHealth
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.profile import DatasetProfiler
from segmentator_dagster.storage.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Services:
    """Each is a resource of its name, but for the settings that some of them look at."""

    current: CurrentSettings
    segments: Segments
    exports: Exports
    attempts: Attempts
    datasets: Datasets
    clickhouse: ClickHouse
    health: SegmentHealth
    exporter: Exporter
    due_exports: DueExports
    profiler: DatasetProfiler
    retention: Retention
    scrubber: Scrubber

    @classmethod
    def of(cls, settings: Settings) -> Services:
        database, writer = database_of(settings), writer_of(settings)
        current = current_settings_of(settings, database)
        segments, exports = Segments(database), Exports(database, current.now)
        attempts = Attempts(database, current.now)
        datasets, objects = Datasets(database), objects_of(settings)
        requesters = Requesters(People(database), Installation(database))
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
            requesters,
            current.now,
        )
        due_exports = DueExports(database, exports, attempts, requesters, Audit(database))
        retention = Retention(exports, objects, Uploads(objects), writer, settings.clickhouse_database)
        health, profiler = SegmentHealth(database), DatasetProfiler(datasets, writer)
        return cls(
            current,
            segments,
            exports,
            attempts,
            datasets,
            writer,
            health,
            exporter,
            due_exports,
            profiler,
            retention,
            Scrubber.of(settings),
        )

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
