"""Settings -> the product's services, unconnected until they are used."""

from __future__ import annotations

from dataclasses import dataclass

from segmentator_dagster.exports.exporter import Exporter
from segmentator_dagster.settings import Settings, secret
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.objects import Objects, S3Access
from segmentator_dagster.storage.profile import DatasetProfiler


@dataclass(frozen=True, slots=True)
class Services:
    """What assets and sensors work with. Each is named as its resource."""

    segments: Segments
    exports: Exports
    datasets: Datasets
    exporter: Exporter
    profiler: DatasetProfiler

    @classmethod
    def of(cls, settings: Settings) -> Services:
        database = Database(secret(settings.database_url, "database_url"))
        segments, exports, datasets = Segments(database), Exports(database), Datasets(database)
        writer = ClickHouse(secret(settings.clickhouse_url, "clickhouse_url"))
        objects = Objects(secret(settings.object_store_url, "object_store_url"), s3_access(settings))
        exporter = Exporter(segments, exports, datasets, writer, objects, settings.clickhouse_database)
        return cls(segments, exports, datasets, exporter, DatasetProfiler(datasets, writer))

    def connect(self) -> None:
        """Open what a run will need, so that its first use costs nothing."""
        self.segments.live_ids()
        self.exporter.writer.ping()
        self.exporter.objects.ping()


def s3_access(settings: Settings) -> S3Access:
    key, key_secret = settings.object_store_access_key_id, settings.object_store_secret_access_key
    return S3Access(
        endpoint=settings.object_store_endpoint,
        region=settings.object_store_region,
        access_key_id=key.get_secret_value() if key else None,
        secret_access_key=key_secret.get_secret_value() if key_secret else None,
        virtual_host=settings.object_store_virtual_host,
    )
