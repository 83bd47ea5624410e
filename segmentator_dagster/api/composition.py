"""Settings -> the use cases of the API and what they stand on: where everything is put together."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from segmentator_dagster.api.analysis import Analysis
from segmentator_dagster.api.audit import AuditService
from segmentator_dagster.api.authentication import Authentication, Cookie
from segmentator_dagster.api.dagster import Dagster
from segmentator_dagster.api.datasets import DatasetService
from segmentator_dagster.api.exports import ExportService
from segmentator_dagster.api.installation import SettingsService
from segmentator_dagster.api.links import Links
from segmentator_dagster.api.lists import ListService
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.people import PeopleService
from segmentator_dagster.api.rate_limits import RateLimits
from segmentator_dagster.api.readiness import Probes
from segmentator_dagster.api.rule_files import RuleFileService
from segmentator_dagster.api.rules import RuleService
from segmentator_dagster.api.segments import SegmentService
from segmentator_dagster.api.services import Services
from segmentator_dagster.api.sign_in import SignInService
from segmentator_dagster.api.uploads import Uploads
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.domain.installation import MOST_DEADLINE_SECONDS
from segmentator_dagster.settings import Settings, secret
from segmentator_dagster.storage.cache import AnswerCache
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.connections import (
    async_reader_of,
    current_settings_of,
    database_of,
    objects_of,
    reader_of,
    writer_of,
)
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.sessions import Sessions, Tokens
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.turns import Turns


def services_of(settings: Settings) -> Services:
    """Of completed settings. Nothing is connected yet; SettingsError where an address or key is missing."""
    database = database_of(settings)
    reader, async_reader = reader_of(settings), async_reader_of(settings)
    objects = objects_of(settings)
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    answers = AnswerCache(redis_url)
    dagster = Dagster(settings.dagster_url)
    current = current_settings_of(settings, database)
    stored_segments, stored_exports = Segments(database), Exports(database, current.now)
    catalogue = partial(read_catalogue, Datasets(database), reader)
    stored_people, audit_log = People(database), Audit(database)
    sessions = Sessions(
        database, idle=timedelta(days=settings.session_idle_days), longest=timedelta(days=settings.session_days)
    )
    tokens, limits = Tokens(database), RateLimits(redis_url, on=settings.rate_limits)
    cookie = Cookie.of(str(settings.public_url))
    mirror = DagsterMirror(dagster, stored_exports)
    references, writer = References(database), writer_of(settings)
    rule_service = RuleService(catalogue, references, current.now, settings.default_dataset)
    list_items = ListItems(writer, settings.clickhouse_database)
    dataset_service = DatasetService(catalogue)
    analysis = Analysis(
        rule_service,
        dataset_service,
        async_reader,
        answers,
        current.now,
        lists_database=settings.clickhouse_database,
    )
    segment_service = SegmentService(
        stored_segments,
        stored_exports,
        references,
        rule_service,
        people=stored_people,
        audit=audit_log,
        mirror=mirror,
        settings_now=current.now,
    )
    links = Links(secret(settings.secret_key, "secret_key")) if objects.folder is not None else None
    return Services(
        segments=segment_service,
        rule_files=RuleFileService(stored_segments, references, segment_service),
        lists=ListService(
            ListUploads(Lists(database), ListParts(database), list_items),
            references,
            catalogue,
            people=stored_people,
            audit=audit_log,
            default_dataset=settings.default_dataset,
        ),
        uploads=Uploads(settings.data_dir / "uploads", settings.upload_megabytes << 20),
        exports=ExportService(
            stored_segments,
            stored_exports,
            Snapshots(database),
            catalogue,
            objects=objects,
            mirror=mirror,
            audit=audit_log,
            settings_now=current.now,
            links=links,
        ),
        rules=rule_service,
        analysis=analysis,
        turns=Turns(redis_url, longest_seconds=2 * MOST_DEADLINE_SECONDS),
        datasets=dataset_service,
        people=PeopleService(stored_people, Installation(database), audit_log, catalogue),
        settings=SettingsService(Installation(database), current, audit_log, reader),
        sign_in=SignInService(
            stored_people, sessions, tokens, audit_log, first_administrator=settings.first_administrator
        ),
        authentication=Authentication(sessions, tokens, limits, cookie),
        limits=limits,
        audit=AuditService(audit_log),
        audit_log=audit_log,
        current=current,
        probes=Probes(
            needed={"database": database.ping, "clickhouse": reader.ping, "objects": objects.ping},
            helpful={"dagster": dagster.ping},
            cache=answers.ping if answers.shared else None,
        ),
        dagster_url=f"{settings.public_url}{DAGSTER_PATH}",
        database=database,
        reader=reader,
        writer=writer,
        async_reader=async_reader,
        answers=answers,
        dagster=dagster,
        mirror=mirror,
    )
