"""The use cases of the API and what they stand on, for whatever skin is laid over them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from segmentator_dagster.api.analysis import Analysis
from segmentator_dagster.api.audit import AuditService
from segmentator_dagster.api.authentication import Authentication
from segmentator_dagster.api.dagster import Dagster
from segmentator_dagster.api.datasets import DatasetService
from segmentator_dagster.api.exports import ExportService
from segmentator_dagster.api.installation import SettingsService
from segmentator_dagster.api.lists import ListService
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.people import PeopleService
from segmentator_dagster.api.rate_limits import RateLimits
from segmentator_dagster.api.readiness import Probes
from segmentator_dagster.api.rule_files import RuleFileService
from segmentator_dagster.api.rules import RuleService
from segmentator_dagster.api.segments import SegmentService
from segmentator_dagster.api.sign_in import SignInService
from segmentator_dagster.api.uploads import Uploads
from segmentator_dagster.domain.access import Action, Actor, decide
from segmentator_dagster.storage.cache import AnswerCache
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.clickhouse_async import AsyncClickHouse
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.current_settings import CurrentSettings
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.turns import Turns


@dataclass(frozen=True, slots=True)
class Services:
    segments: SegmentService
    rule_files: RuleFileService
    lists: ListService
    uploads: Uploads
    exports: ExportService
    rules: RuleService
    analysis: Analysis
    turns: Turns
    datasets: DatasetService
    people: PeopleService
    settings: SettingsService
    sign_in: SignInService
    authentication: Authentication
    limits: RateLimits
    audit: AuditService
    audit_log: Audit
    current: CurrentSettings
    probes: Probes
    dagster_url: str
    database: Database
    reader: ClickHouse
    writer: ClickHouse
    async_reader: AsyncClickHouse
    answers: AnswerCache
    dagster: Dagster
    mirror: DagsterMirror
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the server begins to stop: answers that go on for ever shall end."""

    def dagster_for(self, actor: Actor | None) -> str | None:
        """Where Dagster's interface is, for who may open it."""
        return self.dagster_url if decide(actor, Action.DAGSTER) is None else None

    async def close(self) -> None:
        """Wait for what was begun in the background, then let every connection go."""
        self.probes.close()
        self.mirror.close()
        self.dagster.close()
        self.reader.close()
        self.writer.close()
        self.database.close()
        await self.async_reader.close()
        await self.turns.close()
        await self.limits.close()
        await self.answers.close()
