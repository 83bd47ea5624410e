"""References of a rule -> circles, missing, deleted and broken segments, unknown lists, each at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from segmentator_dagster.domain import reference_problems
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.errors import Problem, pointer_to
from segmentator_dagster.domain.problems import MAX_EXPANDED_NODES, MAX_REFERENCES, shown
from segmentator_dagster.domain.references import KnownSegment, Library, conditions_of, nodes, segment_ids, wheres
from segmentator_dagster.domain.rule import Group, Rule, SegmentMembers, Top

Check = Callable[[KnownSegment, Catalogue, Library], tuple[Problem, ...]]
"""`checking.check_rule` of the rule of a referenced segment."""


def list_problems(list_id: int, library: Library, pointer: str) -> Iterator[Problem]:
    if list_id not in library.lists:
        yield reference_problems.UNKNOWN_LIST.at(pointer, id=list_id)


def segment_problems(
    rule: Rule, catalogue: Catalogue, library: Library, own_id: int | None, check: Check
) -> Iterator[Problem]:
    """Problems of the `segment` nodes; `own_id` is the segment the rule is for.

    Where every reference leads somewhere, and not too far, the rules referred to are checked too.
    """
    path = () if own_id is None else (own_id,)
    ways = _Ways(library)
    places = [(node.segment_id, pointer_to(at, "segment_id")) for node, at in _places(rule, "")]
    faults = [(fault, at) for id_, at in places if (fault := ways.fault(id_, path))]
    if not faults and _size(rule, library) > MAX_EXPANDED_NODES:
        yield reference_problems.EXPANDED_TOO_LARGE.at()
        return
    if not faults:
        segments = {id_: _broken(library.segments[id_], catalogue, library, check) for id_, _ in places}
        faults = [(fault, at) for id_, at in places if (fault := segments[id_])]
    for fault, at in faults:
        yield fault.moved_under(at)


def _places(rule: Rule, pointer: str) -> Iterator[tuple[SegmentMembers, str]]:
    match rule:
        case SegmentMembers():
            yield rule, pointer
        case Group():
            for index, child in enumerate(rule.rules):
                yield from _places(child, pointer_to(pointer, "rules", index))
        case Top():
            yield from _places(rule.rule, pointer_to(pointer, "rule"))
        case _:
            return


class _Ways:
    """Follows references; remembers how far each segment leads, so that none is followed twice."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lengths: dict[int, int] = {}

    def fault(self, segment_id: int, path: tuple[int, ...]) -> Problem | None:
        """Why a reference leads nowhere, back to itself, or too far; `path` are the segments it was reached through."""
        segment = self._library.segments.get(segment_id)
        way = (*path, segment_id)
        if segment_id in path:
            return reference_problems.SEGMENT_CYCLE.at(path=_shown(way))
        if segment is None:
            return reference_problems.UNKNOWN_SEGMENT.at(id=segment_id)
        if segment.deleted:
            return reference_problems.DELETED_SEGMENT.at(id=segment_id, name=shown(segment.name))
        if len(path) + self._lengths.get(segment_id, 1) > MAX_REFERENCES:
            return reference_problems.REFERENCES_TOO_DEEP.at(path=_shown(way))
        if segment_id in self._lengths:
            return None
        longest = 0
        for inner in dict.fromkeys(segment_ids(segment.rule)):
            if fault := self.fault(inner, way):
                return fault
            longest = max(longest, self._lengths[inner])
        self._lengths[segment_id] = longest + 1
        return None


def _shown(way: tuple[int, ...]) -> str:
    return " → ".join(str(one) for one in way)


def _broken(segment: KnownSegment, catalogue: Catalogue, library: Library, check: Check) -> Problem | None:
    found = check(segment, catalogue, library)
    if not found:
        return None
    reasons = {"reason_en": found[0].message("en"), "reason_ru": found[0].message("ru")}
    return reference_problems.BROKEN_SEGMENT.at(id=segment.id, name=shown(segment.name), **reasons)


def _size(rule: Rule, library: Library) -> int:
    """Nodes of the rule with the rules of its segments in place of them."""
    size = 0
    for node in nodes(rule):
        size += 1 + sum(1 for where in wheres(node) for _ in conditions_of(where))
        if isinstance(node, SegmentMembers):
            size += _size(library.segments[node.segment_id].rule, library)
        if size > MAX_EXPANDED_NODES:
            break
    return size
