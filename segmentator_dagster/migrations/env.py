"""Alembic's entry: runs the migrations over the connection it is given."""

from alembic import context

from segmentator_dagster.storage.metadata.migrate import of_dialect
from segmentator_dagster.storage.metadata.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    compare_type=True,
    include_object=of_dialect(connection.dialect.name),
)
with context.begin_transaction():
    context.run_migrations()
