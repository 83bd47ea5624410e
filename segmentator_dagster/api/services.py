"""The use cases of the API and what they stand on, for whatever skin is laid over them."""

from __future__ import annotations

from dataclasses import dataclass

from segmentator_dagster.api.dagster import Dagster
from segmentator_dagster.api.datasets import DatasetService
from segmentator_dagster.api.exports import ExportService
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.readiness import Probes
from segmentator_dagster.api.rules import RuleService
from segmentator_dagster.api.segments import SegmentService
from segmentator_dagster.storage.cache import CountCache
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database


@dataclass(frozen=True, slots=True)
class Services:
    segments: SegmentService
    exports: ExportService
    rules: RuleService
    datasets: DatasetService
    probes: Probes
    dagster_url: str
    database: Database
    reader: ClickHouse
    counts: CountCache
    dagster: Dagster
    mirror: DagsterMirror

    async def close(self) -> None:
        """Wait for what was begun in the background, then let every connection go."""
        self.probes.close()
        self.mirror.close()
        self.dagster.close()
        self.reader.close()
        self.database.close()
        await self.counts.close()
