"""A compiled audience -> a snapshot: the rule runs once, inside ClickHouse, and everything else reads its user ids."""

from __future__ import annotations

import uuid
from datetime import datetime

from clickhouse_connect.cc_sqlalchemy.datatypes.sqltypes import UUID, String
from sqlalchemy import Select, TableClause, bindparam, column, func, insert, or_, select, table

from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.export import Comparison, Kept, Snapshot
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import TABLE


def take_snapshot(
    writer: ClickHouse,
    segment: Version,
    audience: Select[tuple[str]],
    data_moment: datetime,
    database: str,
    *,
    query_id: str,
) -> Snapshot:
    """Run the rule, compiled for `data_moment`, and keep its users.

    A run that dies half way leaves rows under an id that nobody reads.
    """
    snapshot_id = str(uuid.uuid4())
    writer.execute(snapshot_query(audience, snapshot_id, database), {"query_id": query_id})
    members = members_of(snapshot_id, database).subquery("members")
    users = writer.scalar(compile_statement(select(func.count()).select_from(members)))
    return Snapshot(snapshot_id, segment.segment_id, segment.version, users, data_moment)


def snapshot_query(audience: Select[tuple[str]], snapshot_id: str, database: str) -> CompiledQuery:
    """INSERT ... SELECT of an audience, a select of one column `user_id`, under a new snapshot id."""
    users = audience.subquery("audience")
    marked = select(bindparam("snapshot_id", snapshot_id, UUID()).label("snapshot_id"), users.c.user_id)
    return compile_statement(insert(_members(database)).from_select(["snapshot_id", "user_id"], marked))


def members_of(snapshot_id: str, database: str) -> Select[tuple[str]]:
    """A select of one column `user_id`: the members of a snapshot."""
    members = _members(database)
    chosen = members.c.snapshot_id == bindparam("snapshot_id", snapshot_id, UUID())
    return select(members.c.user_id).where(chosen)


def compared(comparison: Comparison, to_snapshot_id: str, database: str) -> Select[tuple[str]]:
    """A select of one column `user_id`: the members that came, went or stayed from one snapshot to the other.

    One aggregation and no `NOT IN`: it goes to disk where a set of ids would have to fit into memory.
    """
    members = _members(database)
    in_earlier = members.c.snapshot_id == bindparam("from_id", comparison.from_snapshot_id, UUID())
    in_later = members.c.snapshot_id == bindparam("to_id", to_snapshot_id, UUID())
    was, is_ = {Kept.ADDED: (0, 1), Kept.REMOVED: (1, 0), Kept.STAYED: (1, 1)}[comparison.keep]
    return (
        select(members.c.user_id)
        .where(or_(in_earlier, in_later))
        .group_by(members.c.user_id)
        .having(func.max(in_earlier) == was, func.max(in_later) == is_)
    )


def sample_members(writer: ClickHouse, snapshot_id: str, database: str, limit: int) -> list[str]:
    """The first few user ids of a snapshot in their order."""
    members = members_of(snapshot_id, database)
    query = compile_statement(members.order_by(members.selected_columns.user_id).limit(limit))
    return [user_id for (user_id,) in writer.rows(query)]


def _members(database: str) -> TableClause:
    return table(TABLE, column("snapshot_id", UUID()), column("user_id", String()), schema=database)
