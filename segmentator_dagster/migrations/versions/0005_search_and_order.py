"""Pages of segments and of the audit log in their order; on PostgreSQL trigrams for the search in both.

Lists and people are too few for it to pay: they are read through in a few milliseconds.
"""

import logging

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import NotSupportedError, ProgrammingError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ORDERS = {
    "segments_by_update": ("segments", "updated_at"),
    "segments_by_creation": ("segments", "created_at"),
    "audit_by_event": ("audit", "action"),
    "audit_by_outcome": ("audit", "outcome"),
}
_SEARCHED = {"segments_search": "segments", "audit_search": "audit"}
_TRIGRAMS = {"search_text": "gin_trgm_ops"}

_log = logging.getLogger("segmentator.migrations")


def upgrade() -> None:
    for name, (table, column) in _ORDERS.items():
        op.create_index(name, table, [column, "id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        _index_trigrams()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, table in _SEARCHED.items():
            op.drop_index(name, table_name=table, if_exists=True)
    for name, (table, _) in _ORDERS.items():
        op.drop_index(name, table_name=table)


def _index_trigrams() -> None:
    """Search works without, only slower; so a role that may not create the extension stops nothing."""
    connection = op.get_bind()
    try:
        with connection.begin_nested():
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            for name, table in _SEARCHED.items():
                op.create_index(
                    name, table, ["search_text"], unique=False, postgresql_using="gin", postgresql_ops=_TRIGRAMS
                )
    except (ProgrammingError, NotSupportedError) as error:
        reason = str(error.orig).strip().splitlines()[0]
        indexes = "; ".join(
            f"CREATE INDEX {name} ON {table} USING gin (search_text gin_trgm_ops)" for name, table in _SEARCHED.items()
        )
        _log.warning("search has no index: %s. As a role that may: CREATE EXTENSION pg_trgm; %s;", reason, indexes)
        return
    if not connection.scalar(text("SELECT cardinality(show_trgm('жук')) > 0")):
        _log.warning(
            "search by words that are not Latin has no index: LC_CTYPE of this database is C, where pg_trgm knows no "
            "other letters. Take ru_RU.UTF-8, en_US.UTF-8 or C.UTF-8 when you create a database."
        )
