"""People, invites, sessions, tokens, settings of administrators, the audit log; whose things are and who sees them"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON_DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIMESTAMP_6 = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=6), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_WHOSE = (
    ("segments", "owner"),
    ("lists", "owner"),
    ("segment_versions", "created_by"),
    ("export_requests", "requested_by"),
)
_SHARED = ("segments", "lists")


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("yandex_id", sa.Text(), nullable=True, unique=True),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("access", JSON_DOCUMENT, nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("last_seen_at", TIMESTAMP_6, nullable=True),
        sa.Column("blocked_at", TIMESTAMP_6, nullable=True),
        sa.Column("deleted_at", TIMESTAMP_6, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "invites",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("contact_key", sa.Text(), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("expires_at", TIMESTAMP_6, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=False, index=True),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("last_seen_at", TIMESTAMP_6, nullable=False, index=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("person_id", sa.Integer(), sa.ForeignKey("people.id"), nullable=False, index=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("scopes", JSON_DOCUMENT, nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("expires_at", TIMESTAMP_6, nullable=False),
        sa.Column("last_used_at", TIMESTAMP_6, nullable=True),
        sa.Column("revoked_at", TIMESTAMP_6, nullable=True),
    )
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("settings", JSON_DOCUMENT, nullable=False),
        sa.Column("access", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIMESTAMP_6, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", TIMESTAMP_6, nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("action", sa.String(40), nullable=False),
        sa.Column("object_kind", sa.String(16), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("before", JSON_DOCUMENT, nullable=True),
        sa.Column("after", JSON_DOCUMENT, nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_object", "audit", ["object_kind", "object_id", "id"], unique=False)
    op.create_index("audit_by_actor", "audit", ["actor_id", "id"], unique=False)
    op.create_index("audit_by_moment", "audit", ["at", "id"], unique=False)
    op.add_column("datasets", sa.Column("sensitive", JSON_DOCUMENT, nullable=False, server_default="[]"))
    for table, column in _WHOSE:
        op.add_column(table, sa.Column(f"{column}_id", sa.Integer(), nullable=True))
        op.drop_column(table, column)
    for table in _SHARED:
        # what was made before there were people everybody could see
        op.add_column(table, sa.Column("visibility", sa.String(8), nullable=False, server_default="team"))
        op.create_index(f"ix_{table}_owner_id", table, ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_column("datasets", "sensitive")
    for table in _SHARED:
        op.drop_index(f"ix_{table}_owner_id", table_name=table)
        op.drop_column(table, "visibility")
    for table, column in _WHOSE:
        op.add_column(table, sa.Column(column, sa.Text(), nullable=False, server_default="local"))
        op.drop_column(table, f"{column}_id")
    for table in ("audit", "installation", "tokens", "sessions", "invites", "people"):
        op.drop_table(table)
