"""Metadata tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON_DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIMESTAMP_6 = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=6), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("clickhouse_database", sa.Text(), nullable=False),
        sa.Column("clickhouse_table", sa.Text(), nullable=False),
        sa.Column("user_key", sa.Text(), nullable=False),
        sa.Column("time_field", sa.Text(), nullable=True),
        sa.Column("label_ru", sa.Text(), nullable=False),
        sa.Column("label_en", sa.Text(), nullable=False),
        sa.Column("field_labels", JSON_DOCUMENT, nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "segments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("rule", JSON_DOCUMENT, nullable=False),
        sa.Column("updated_at", TIMESTAMP_6, nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("dataset", sa.String(length=63), nullable=False),
        sa.Column("columns", JSON_DOCUMENT, nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("schedule", JSON_DOCUMENT, nullable=True),
        sa.Column("next_due_at", TIMESTAMP_6, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("deleted_at", TIMESTAMP_6, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("segments_due", "segments", ["next_due_at"], unique=False)
    op.create_index(
        "segments_live_name",
        "segments",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "segment_tags",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("tag_key", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("segment_id", "tag_key"),
    )
    op.create_index(op.f("ix_segment_tags_tag_key"), "segment_tags", ["tag_key"], unique=False)
    op.create_table(
        "segment_versions",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", JSON_DOCUMENT, nullable=False),
        sa.Column("dataset", sa.String(length=63), nullable=False),
        sa.Column("rule", JSON_DOCUMENT, nullable=False),
        sa.Column("columns", JSON_DOCUMENT, nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("schedule", JSON_DOCUMENT, nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("segment_id", "version"),
    )
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("users", BIG, nullable=False),
        sa.Column("data_moment", TIMESTAMP_6, nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_snapshots_segment_id"), "snapshots", ["segment_id"], unique=False)
    op.create_table(
        "export_requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("scheduled_for", TIMESTAMP_6, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=True),
        sa.Column("launched_run_id", sa.String(length=64), nullable=True),
        sa.Column("launched_at", TIMESTAMP_6, nullable=True),
        sa.Column("snapshot_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segments.id"],
        ),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["snapshots.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("idempotency_key"),
        sa.UniqueConstraint("segment_id", "scheduled_for"),
    )
    op.create_index("export_requests_run", "export_requests", ["run_id"], unique=False)
    op.create_table(
        "exports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("progress_rows", BIG, nullable=False),
        sa.Column("total_rows", BIG, nullable=True),
        sa.Column("progress_bytes", BIG, nullable=False),
        sa.Column("rows", BIG, nullable=True),
        sa.Column("bytes", BIG, nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("file_name", sa.Text(), nullable=True),
        sa.Column("manifest", JSON_DOCUMENT, nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_message_ru", sa.Text(), nullable=True),
        sa.Column("error_message_en", sa.Text(), nullable=True),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("started_at", TIMESTAMP_6, nullable=True),
        sa.Column("finished_at", TIMESTAMP_6, nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["export_requests.id"],
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segments.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request_id", "format"),
    )
    op.create_index("exports_by_segment", "exports", ["segment_id", "created_at"], unique=False)
    op.create_index("exports_by_status", "exports", ["status"], unique=False)


def downgrade() -> None:
    op.drop_index("exports_by_status", table_name="exports")
    op.drop_index("exports_by_segment", table_name="exports")
    op.drop_table("exports")
    op.drop_index("export_requests_run", table_name="export_requests")
    op.drop_table("export_requests")
    op.drop_index(op.f("ix_snapshots_segment_id"), table_name="snapshots")
    op.drop_table("snapshots")
    op.drop_table("segment_versions")
    op.drop_index(op.f("ix_segment_tags_tag_key"), table_name="segment_tags")
    op.drop_table("segment_tags")
    op.drop_index(
        "segments_live_name",
        table_name="segments",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index("segments_due", table_name="segments")
    op.drop_table("segments")
    op.drop_table("datasets")
