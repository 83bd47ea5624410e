"""What rules refer to: kept beside the segments, guarded against dead ends and circles, gathered for checking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from segmentator_dagster.domain import reference_problems
from segmentator_dagster.domain.access import Owned, sees
from segmentator_dagster.domain.definition import saved_rule
from segmentator_dagster.domain.errors import Problem, ProblemKind, UserError
from segmentator_dagster.domain.problems import MAX_EXPANDED_NODES, shown
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library, list_ids, segment_ids
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.segment import Definition
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.models import ListRow, RuleReferenceRow, SegmentRow
from segmentator_dagster.storage.metadata.segment_rows import definition_of

_LOCK = 5367002  # any fixed number: PostgreSQL's advisory lock of whoever changes references
# Each takes two nodes at least of the expanded rule, its reference and its own rule.
_MOST_SEGMENTS = MAX_EXPANDED_NODES // 2
_SHOWN_DEPENDENTS = 10


class Kind(StrEnum):
    SEGMENT = "segment"
    LIST = "list"


Reference = tuple[Kind, int]


@dataclass(frozen=True, slots=True)
class Dependent:
    """A live segment whose rule refers to something."""

    id: int
    name: str
    owned: Owned = field(repr=False, compare=False)


class References:
    def __init__(self, database: Database) -> None:
        self._database = database

    def library(self, *rules: Rule, viewer: int | None = None) -> Library:
        """Everything these rules refer to, directly and through others: a few queries for each step of the way.

        What is not there, or is a deleted list, or is named by the rules themselves and not seen by the viewer, is left
        out. UserError where it is more than any rule may reach, or
        where the rule of a segment on the way cannot be read.
        """
        with self._database.reading() as session:
            return gathered_library(session, rules, viewer)

    def ids_by_name(self, kind: Kind, viewer: int | None = None) -> Mapping[str, int]:
        """What a viewer can refer to: every live segment, or every list, by its name."""
        table = SegmentRow if kind is Kind.SEGMENT else ListRow
        with self._database.reading() as session:
            rows = session.execute(
                select(table.name, table.id, table.owner_id, table.visibility).where(table.deleted_at.is_(None))
            )
            return {name: id_ for name, id_, owner, visibility in rows if sees(viewer, Owned(owner, visibility))}

    def dependents(
        self, kind: Kind, ids: Collection[int], viewer: int | None = None
    ) -> Mapping[int, tuple[Dependent, ...]]:
        """The live segments seen by the viewer that refer to each of these, by id; what none refers to is left out."""
        with self._database.reading() as session:
            found = _dependents(session, kind, ids)
        seen = {id_: tuple(one for one in all_ if sees(viewer, one.owned)) for id_, all_ in found.items()}
        return {id_: some for id_, some in seen.items() if some}


def lock_references(session: Session) -> None:
    """Make this transaction the only one that changes references; to be called before it locks any row.

    SQLite lets one transaction write at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def references_of(definition: Definition) -> frozenset[Reference] | None:
    """What a saved rule refers to itself; None where it cannot be read, so nobody knows."""
    try:
        rule = saved_rule(definition)
    except UserError:
        return None
    segments = {(Kind.SEGMENT, id_) for id_ in segment_ids(rule)}
    return frozenset(segments | {(Kind.LIST, id_) for id_ in list_ids(rule)})


def write_references(
    session: Session, segment_id: int, wanted: frozenset[Reference] | None, *, restoring: bool = False
) -> None:
    """Make these the references of a live segment; None leaves them as they are.

    UserError where a new one leads nowhere (a segment that is restored may have such) or back to the segment.
    """
    if wanted is None:
        return
    present = _present(session, segment_id)
    added = wanted - present
    problems = [] if restoring else _dead_ends(session, added)
    problems += _circle(session, segment_id, added)
    if problems:
        raise UserError(*problems)
    for kind, target in present - wanted:
        session.execute(delete(RuleReferenceRow).filter_by(segment_id=segment_id, kind=kind.value, target_id=target))
    session.add_all(RuleReferenceRow(segment_id=segment_id, kind=kind.value, target_id=id_) for kind, id_ in added)
    session.flush()


def drop_references(session: Session, segment_id: int) -> None:
    """A deleted segment refers to nothing."""
    session.execute(delete(RuleReferenceRow).where(RuleReferenceRow.segment_id == segment_id))


def ask_to_check_dependents(session: Session, kind: Kind, id_: int) -> None:
    """Have every segment that depends on this one or this list, also through others, checked against the data anew."""
    reference, further = RuleReferenceRow, select(RuleReferenceRow).subquery()
    direct = select(reference.segment_id).where(reference.kind == kind.value, reference.target_id == id_)
    found = direct.cte("dependents", recursive=True)
    found = found.union(
        select(further.c.segment_id).where(
            further.c.kind == Kind.SEGMENT.value, further.c.target_id == found.c.segment_id
        )
    )
    session.execute(
        update(SegmentRow)
        .where(SegmentRow.id.in_(select(found.c.segment_id)))
        .values(checked_at=None)
        .execution_options(synchronize_session=False)
    )


def refuse_used(session: Session, kind: Kind, id_: int, name: str, *, in_use: ProblemKind, viewer: int | None) -> None:
    """UserError `in_use` where live segments refer to it, with those the viewer sees as `extra["used_by"]`."""
    if dependents := _dependents(session, kind, [id_]).get(id_):
        seen = [one for one in dependents if sees(viewer, one.owned)]
        problem = in_use.at(id=id_, name=shown(name), dependents=_shown_dependents(seen, len(dependents)))
        raise UserError(problem, extra={"used_by": [{"id": one.id, "name": one.name} for one in seen]})


def _dependents(session: Session, kind: Kind, ids: Collection[int]) -> Mapping[int, tuple[Dependent, ...]]:
    rows = session.execute(
        select(RuleReferenceRow.target_id, SegmentRow.id, SegmentRow.name, SegmentRow.owner_id, SegmentRow.visibility)
        .join(SegmentRow, SegmentRow.id == RuleReferenceRow.segment_id)
        .where(RuleReferenceRow.kind == kind.value, RuleReferenceRow.target_id.in_(ids))
        .order_by(RuleReferenceRow.target_id, SegmentRow.id)
    )
    found: dict[int, list[Dependent]] = defaultdict(list)
    for target, id_, name, owner, visibility in rows:
        found[target].append(Dependent(id_, name, Owned(owner, visibility)))
    return {target: tuple(dependents) for target, dependents in found.items()}


def _shown_dependents(seen: Sequence[Dependent], count: int) -> str:
    """Names and ids of those that are seen in a message; of many the first few."""
    listed = ", ".join(f"{shown(one.name)} ({one.id})" for one in seen[:_SHOWN_DEPENDENTS])
    more = count - min(len(seen), _SHOWN_DEPENDENTS)
    return f"{listed} … (+{more})".lstrip() if more > 0 else listed


def gathered_library(session: Session, rules: Iterable[Rule], viewer: int | None = None) -> Library:
    """The same as `References.library`, in the caller's transaction."""
    segments: dict[int, KnownSegment] = {}
    lists: dict[int, KnownList] = {}
    level, asked = list(rules), set[int]()
    while level:
        wanted_lists = {id_ for rule in level for id_ in list_ids(rule)} - lists.keys()
        lists |= _known_lists(session, wanted_lists, viewer)
        wanted = {id_ for rule in level for id_ in segment_ids(rule)} - asked
        asked |= wanted
        if len(asked) > _MOST_SEGMENTS:
            raise reference_problems.EXPANDED_TOO_LARGE.error()
        rows = session.scalars(select(SegmentRow).where(SegmentRow.id.in_(wanted))).all() if wanted else ()
        found = [_known_segment(row) for row in rows if sees(viewer, row)]
        segments |= {segment.id: segment for segment in found}
        level = [segment.rule for segment in found if not segment.deleted]
        viewer = None  # what a segment they see is made of is its owner's affair
    return Library(segments, lists)


def _known_segment(row: SegmentRow) -> KnownSegment:
    definition = definition_of(row)
    try:
        rule = saved_rule(definition)
    except UserError as error:
        first = error.problems[0]
        reasons = {"reason_en": first.message("en"), "reason_ru": first.message("ru")}
        raise reference_problems.BROKEN_SEGMENT.error(id=row.id, name=shown(row.name), **reasons) from error
    deleted = row.deleted_at is not None
    return KnownSegment(row.id, row.name, rule, definition.dataset, definition.time_zone, deleted)


def _known_lists(session: Session, ids: Collection[int], viewer: int | None = None) -> dict[int, KnownList]:
    if not ids:
        return {}
    rows = session.scalars(select(ListRow).where(ListRow.id.in_(ids), ListRow.deleted_at.is_(None)))
    return {row.id: KnownList(row.id, row.name, tuple(row.parts)) for row in rows if sees(viewer, row)}


def _present(session: Session, segment_id: int) -> frozenset[Reference]:
    rows = session.scalars(select(RuleReferenceRow).where(RuleReferenceRow.segment_id == segment_id))
    return frozenset((Kind(row.kind), row.target_id) for row in rows)


def _dead_ends(session: Session, references: Collection[Reference]) -> list[Problem]:
    wanted = {kind: sorted(id_ for of, id_ in references if of is kind) for kind in Kind}
    rows = session.execute(
        select(SegmentRow.id, SegmentRow.name, SegmentRow.deleted_at).where(SegmentRow.id.in_(wanted[Kind.SEGMENT]))
    )
    segments = {id_: (name, deleted_at) for id_, name, deleted_at in rows}
    found = []
    for id_ in wanted[Kind.SEGMENT]:
        name, deleted_at = segments.get(id_, ("", None))
        if id_ not in segments:
            found.append(reference_problems.UNKNOWN_SEGMENT.at("/rule", id=id_))
        elif deleted_at is not None:
            found.append(reference_problems.DELETED_SEGMENT.at("/rule", id=id_, name=shown(name)))
    lists = _known_lists(session, wanted[Kind.LIST])
    found += [reference_problems.UNKNOWN_LIST.at("/rule", id=id_) for id_ in wanted[Kind.LIST] if id_ not in lists]
    return found


def _circle(session: Session, segment_id: int, added: Collection[Reference]) -> list[Problem]:
    """The way from a segment through new references back to itself, if there is one."""
    reached_from: dict[int, int] = {id_: segment_id for kind, id_ in added if kind is Kind.SEGMENT}
    level = list(reached_from)
    while level and segment_id not in reached_from:
        rows = session.execute(
            select(RuleReferenceRow.segment_id, RuleReferenceRow.target_id).where(
                RuleReferenceRow.kind == Kind.SEGMENT.value, RuleReferenceRow.segment_id.in_(level)
            )
        )
        level = []
        for source, target in rows:
            if target not in reached_from:
                reached_from[target] = source
                level.append(target)
    if segment_id not in reached_from:
        return []
    way = [segment_id, reached_from[segment_id]]
    while way[-1] != segment_id:
        way.append(reached_from[way[-1]])
    return [reference_problems.SEGMENT_CYCLE.at("/rule", path=" → ".join(map(str, reversed(way))))]
