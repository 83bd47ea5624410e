"""Export options, comparisons, several files, progress, retention"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON_DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIMESTAMP_6 = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=6), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_EXPORT_COLUMNS = (
    ("read_rows", BIG, {"nullable": False, "server_default": "0"}),
    ("total_read_rows", BIG, {"nullable": True}),
    ("phase_started_at", TIMESTAMP_6, {"nullable": True}),
    ("progress_at", TIMESTAMP_6, {"nullable": True}),
    ("files", JSON_DOCUMENT, {"nullable": True}),
    ("expires_at", TIMESTAMP_6, {"nullable": True}),
    ("deleted_at", TIMESTAMP_6, {"nullable": True}),
)
_exports = sa.table(
    "exports",
    sa.column("id"),
    sa.column("rows"),
    sa.column("bytes"),
    sa.column("sha256"),
    sa.column("object_key"),
    sa.column("file_name"),
    sa.column("files", JSON_DOCUMENT),
    sa.column("expires_at", TIMESTAMP_6),
)
_KEPT = timedelta(days=30)  # files that were to be kept for ever stay for a while from now on


def upgrade() -> None:
    for table in ("segments", "segment_versions"):
        op.add_column(table, sa.Column("export_options", JSON_DOCUMENT, nullable=True))
    op.add_column("export_requests", sa.Column("asked", JSON_DOCUMENT, nullable=True))
    op.add_column("export_requests", sa.Column("options", JSON_DOCUMENT, nullable=False, server_default="{}"))
    op.add_column("export_requests", sa.Column("compare", JSON_DOCUMENT, nullable=True))
    for name, type_, more in _EXPORT_COLUMNS:
        op.add_column("exports", sa.Column(name, type_, **more))
    connection, kept = op.get_bind(), _exports.c
    expiry = datetime.now(UTC).replace(tzinfo=None) + _KEPT
    one = sa.select(kept.id, kept.object_key, kept.file_name, kept.rows, kept.bytes, kept.sha256)
    for export in connection.execute(one.where(kept.object_key.is_not(None))).all():
        file = {
            "key": export.object_key,
            "file_name": export.file_name,
            "rows": export.rows,
            "bytes": export.bytes,
            "sha256": export.sha256,
        }
        connection.execute(_exports.update().where(kept.id == export.id).values(files=[file], expires_at=expiry))
    for column in ("object_key", "file_name"):
        op.drop_column("exports", column)
    op.create_index("exports_by_expiry", "exports", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index("exports_by_expiry", table_name="exports")
    for column in ("object_key", "file_name"):
        op.add_column("exports", sa.Column(column, sa.Text(), nullable=True))
    connection, kept = op.get_bind(), _exports.c
    for export in connection.execute(sa.select(kept.id, kept.files).where(kept.files.is_not(None))).all():
        first = export.files[0]
        values = {"object_key": first["key"], "file_name": first["file_name"], "sha256": first["sha256"]}
        connection.execute(_exports.update().where(kept.id == export.id).values(**values))
    for name, _type, _more in reversed(_EXPORT_COLUMNS):
        op.drop_column("exports", name)
    for column in ("compare", "options", "asked"):
        op.drop_column("export_requests", column)
    for table in ("segment_versions", "segments"):
        op.drop_column(table, "export_options")
