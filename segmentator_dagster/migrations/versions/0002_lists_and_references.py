"""Lists, references between rules, broken segments"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON_DOCUMENT = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
TIMESTAMP_6 = sa.DateTime().with_variant(postgresql.TIMESTAMP(precision=6), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lists",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("dataset", sa.String(length=63), nullable=False),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("parts", JSON_DOCUMENT, nullable=False),
        sa.Column("items", BIG, nullable=False),
        sa.Column("matched", BIG, nullable=True),
        sa.Column("unmatched", BIG, nullable=True),
        sa.Column("report", JSON_DOCUMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("created_at", TIMESTAMP_6, nullable=False),
        sa.Column("updated_at", TIMESTAMP_6, nullable=False),
        sa.Column("deleted_at", TIMESTAMP_6, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "lists_live_name",
        "lists",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "list_parts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("touched_at", TIMESTAMP_6, nullable=False),
        sa.Column("discarded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rule_references",
        sa.Column("segment_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("segment_id", "kind", "target_id"),
    )
    op.create_index("rule_references_to", "rule_references", ["kind", "target_id"], unique=False)
    for table in ("segments", "segment_versions"):
        # every rule that is there now was written in the first version of the language
        op.add_column(table, sa.Column("rule_version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("segments", sa.Column("broken", JSON_DOCUMENT, nullable=True))
    op.add_column("segments", sa.Column("broken_since", TIMESTAMP_6, nullable=True))
    op.add_column("segments", sa.Column("checked_at", TIMESTAMP_6, nullable=True))


def downgrade() -> None:
    for column in ("checked_at", "broken_since", "broken"):
        op.drop_column("segments", column)
    for table in ("segment_versions", "segments"):
        op.drop_column(table, "rule_version")
    op.drop_index("rule_references_to", table_name="rule_references")
    op.drop_table("rule_references")
    op.drop_table("list_parts")
    op.drop_index(
        "lists_live_name",
        table_name="lists",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_table("lists")
