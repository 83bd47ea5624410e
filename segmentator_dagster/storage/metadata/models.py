"""The metadata tables. `segments` keeps the specification's id, name, rule and updated_at to the letter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import DateTime, TypeDecorator

from segmentator_dagster.domain.segment import NAME_LENGTH


class UtcTimestamp(TypeDecorator[datetime]):
    """Aware UTC in Python, `timestamp(6)` without a zone in the database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(precision=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC).replace(tzinfo=None) if value else None

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value else None


JSON_DOCUMENT = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012
        datetime: UtcTimestamp,
        dict[str, Any]: JSON_DOCUMENT,
        list[str]: JSON_DOCUMENT,
        list[dict[str, Any]]: JSON_DOCUMENT,
    }


def trigrams(name: str) -> Index:
    """For words anywhere in `search_text`; on PostgreSQL only, and there where pg_trgm may be had."""
    return Index(name, "search_text", postgresql_using="gin", postgresql_ops={"search_text": "gin_trgm_ops"})


class SegmentRow(Base):
    __tablename__ = "segments"
    __table_args__ = (
        Index(
            "segments_live_name",
            "name_key",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("segments_due", "next_due_at"),
        Index("segments_by_update", "updated_at", "id"),
        Index("segments_by_creation", "created_at", "id"),
        trigrams("segments_search"),
        {"sqlite_autoincrement": True},  # ids are partition keys: never used twice
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    rule: Mapped[dict[str, Any]]
    rule_version: Mapped[int] = mapped_column(server_default="1")
    updated_at: Mapped[datetime]
    name_key: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    dataset: Mapped[str] = mapped_column(String(63))
    columns: Mapped[list[str] | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    schedule: Mapped[dict[str, Any] | None]
    export_options: Mapped[dict[str, Any] | None]
    next_due_at: Mapped[datetime | None]
    version: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    owner_id: Mapped[int | None] = mapped_column(index=True)
    visibility: Mapped[str] = mapped_column(String(8), server_default="team")
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    broken: Mapped[list[dict[str, Any]] | None]
    broken_since: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    tags: Mapped[list[SegmentTagRow]] = relationship(
        cascade="all, delete-orphan", order_by="SegmentTagRow.position", lazy="selectin"
    )


class SegmentTagRow(Base):
    __tablename__ = "segment_tags"

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    tag_key: Mapped[str] = mapped_column(Text, primary_key=True, index=True)
    tag: Mapped[str] = mapped_column(Text)
    position: Mapped[int]


class SegmentVersionRow(Base):
    __tablename__ = "segment_versions"

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]]
    dataset: Mapped[str] = mapped_column(String(63))
    rule: Mapped[dict[str, Any]]
    rule_version: Mapped[int] = mapped_column(server_default="1")
    columns: Mapped[list[str] | None]
    time_zone: Mapped[str] = mapped_column(String(64))
    schedule: Mapped[dict[str, Any] | None]
    export_options: Mapped[dict[str, Any] | None]
    fingerprint: Mapped[str] = mapped_column(String(64))
    created_by_id: Mapped[int | None]
    created_at: Mapped[datetime]


class RuleReferenceRow(Base):
    """What the present rule of a live segment refers to itself."""

    __tablename__ = "rule_references"
    __table_args__ = (Index("rule_references_to", "kind", "target_id"),)

    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    target_id: Mapped[int] = mapped_column(primary_key=True)


class ListRow(Base):
    __tablename__ = "lists"
    __table_args__ = (
        Index(
            "lists_live_name",
            "name_key",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        {"sqlite_autoincrement": True},  # rules name lists by id: never used twice
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    dataset: Mapped[str] = mapped_column(String(63))
    field: Mapped[str | None] = mapped_column(Text)
    parts: Mapped[list[str]]
    items: Mapped[int] = mapped_column(BIG)
    matched: Mapped[int | None] = mapped_column(BIG)
    unmatched: Mapped[int | None] = mapped_column(BIG)
    report: Mapped[dict[str, Any]]
    version: Mapped[int]
    owner_id: Mapped[int | None] = mapped_column(index=True)
    visibility: Mapped[str] = mapped_column(String(8), server_default="team")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class ListPartRow(Base):
    """A batch of values in ClickHouse; it is there from before its first value until after its last."""

    __tablename__ = "list_parts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    touched_at: Mapped[datetime]
    discarded: Mapped[bool]


class DatasetRow(Base):
    __tablename__ = "datasets"

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    clickhouse_database: Mapped[str] = mapped_column(Text)
    clickhouse_table: Mapped[str] = mapped_column(Text)
    user_key: Mapped[str] = mapped_column(Text)
    time_field: Mapped[str | None] = mapped_column(Text)
    label_ru: Mapped[str] = mapped_column(Text)
    label_en: Mapped[str] = mapped_column(Text)
    field_labels: Mapped[dict[str, Any]]
    sensitive: Mapped[list[str]] = mapped_column(server_default="[]")
    created_at: Mapped[datetime]


class SnapshotRow(Base):
    __tablename__ = "snapshots"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"), index=True)
    version: Mapped[int]
    users: Mapped[int] = mapped_column(BIG)
    data_moment: Mapped[datetime]
    created_at: Mapped[datetime]


class ExportRequestRow(Base):
    __tablename__ = "export_requests"
    __table_args__ = (
        UniqueConstraint("idempotency_key"),
        UniqueConstraint("segment_id", "scheduled_for"),
        Index("export_requests_run", "run_id"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    version: Mapped[int]
    trigger: Mapped[str] = mapped_column(String(16))
    requested_by_id: Mapped[int | None]
    idempotency_key: Mapped[str | None] = mapped_column(Text)
    scheduled_for: Mapped[datetime | None]
    attempt: Mapped[int]
    run_id: Mapped[str | None] = mapped_column(String(64))
    launched_run_id: Mapped[str | None] = mapped_column(String(64))
    launched_at: Mapped[datetime | None]
    snapshot_id: Mapped[str | None] = mapped_column(ForeignKey("snapshots.id"))
    asked: Mapped[dict[str, Any] | None]
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    compare: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    exports: Mapped[list[ExportRow]] = relationship(
        back_populates="request", order_by="ExportRow.format", lazy="selectin"
    )


class ExportRow(Base):
    __tablename__ = "exports"
    __table_args__ = (
        UniqueConstraint("request_id", "format"),
        Index("exports_by_segment", "segment_id", "created_at"),
        Index("exports_by_status", "status"),
        Index("exports_by_expiry", "expires_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(ForeignKey("export_requests.id"))
    segment_id: Mapped[int] = mapped_column(ForeignKey("segments.id"))
    format: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int]
    phase: Mapped[str] = mapped_column(String(16))
    progress_rows: Mapped[int] = mapped_column(BIG)
    total_rows: Mapped[int | None] = mapped_column(BIG)
    progress_bytes: Mapped[int] = mapped_column(BIG)
    read_rows: Mapped[int] = mapped_column(BIG, server_default="0")
    total_read_rows: Mapped[int | None] = mapped_column(BIG)
    phase_started_at: Mapped[datetime | None]
    progress_at: Mapped[datetime | None]
    rows: Mapped[int | None] = mapped_column(BIG)
    bytes: Mapped[int | None] = mapped_column(BIG)
    sha256: Mapped[str | None] = mapped_column(String(64))
    files: Mapped[list[dict[str, Any]] | None]
    manifest: Mapped[dict[str, Any] | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message_ru: Mapped[str | None] = mapped_column(Text)
    error_message_en: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    request: Mapped[ExportRequestRow] = relationship(back_populates="exports", lazy="joined", innerjoin=True)
