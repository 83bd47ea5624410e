"""Settings -> the database, ClickHouse users and object store of an installation, unconnected until they are used."""

from __future__ import annotations

from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.settings import Settings, secret
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.clickhouse_async import GRACE_SECONDS, AsyncClickHouse
from segmentator_dagster.storage.metadata.current_settings import CurrentSettings
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.objects import Objects, S3Access


def database_of(settings: Settings) -> Database:
    return Database(secret(settings.database_url, "database_url"))


def current_settings_of(settings: Settings, database: Database) -> CurrentSettings:
    """What administrators set, over these."""
    environment = EffectiveSettings(
        export=settings.export_defaults,
        export_days=settings.export_days,
        link_seconds=settings.link_seconds,
        time_zone=settings.time_zone,
        count_deadline_seconds=settings.count_deadline_seconds,
    )
    return CurrentSettings(Installation(database), environment)


def admin_of(settings: Settings) -> ClickHouse:
    """The user who may create databases and tables."""
    return ClickHouse(secret(settings.clickhouse_admin_url, "clickhouse_admin_url"))


def writer_of(settings: Settings) -> ClickHouse:
    """The user who reads datasets and writes snapshots."""
    return ClickHouse(secret(settings.clickhouse_url, "clickhouse_url"))


def reader_of(settings: Settings) -> ClickHouse:
    """The user who may only read, limited by its profile on the server."""
    return ClickHouse(
        secret(settings.clickhouse_reader_url, "clickhouse_reader_url"),
        timeout_seconds=settings.count_deadline_seconds + GRACE_SECONDS,
    )


def async_reader_of(settings: Settings) -> AsyncClickHouse:
    """The same user for questions that somebody waits for."""
    return AsyncClickHouse(
        secret(settings.clickhouse_reader_url, "clickhouse_reader_url"),
        deadline_seconds=settings.count_deadline_seconds,
    )


def objects_of(settings: Settings) -> Objects:
    key_id, key = settings.object_store_access_key_id, settings.object_store_secret_access_key
    access = S3Access(
        endpoint=settings.object_store_endpoint,
        region=settings.object_store_region,
        access_key_id=key_id.get_secret_value() if key_id else None,
        secret_access_key=key.get_secret_value() if key else None,
        virtual_host=settings.object_store_virtual_host,
        sse=settings.object_store_sse,
        sse_kms_key_id=settings.object_store_sse_kms_key_id,
        checksum=settings.object_store_checksum,
    )
    return Objects(secret(settings.object_store_url, "object_store_url"), access)
