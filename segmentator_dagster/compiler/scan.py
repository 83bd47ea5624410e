"""Parts of a rule over one dataset -> the scan that answers them, and a predicate for each part over its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, assert_never

import sqlalchemy as sa

from segmentator_dagster.compiler.conditions import Surroundings
from segmentator_dagster.compiler.expressions import FALSE, TRUE, Predicate, combined, complement
from segmentator_dagster.compiler.facts import Facts
from segmentator_dagster.compiler.hull import within_hull
from segmentator_dagster.compiler.islands import Island, Mixed, Part, holds_without_rows, leaves_of
from segmentator_dagster.compiler.tables import dataset_table, has_user, known_key, user_key
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.fields import time_field
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Everyone,
    Group,
    ListMembers,
    Sample,
    SegmentMembers,
    Top,
    did,
)
from segmentator_dagster.domain.rule import Sequence as StepSequence

KEY = "user_key"

Elsewhere = Callable[[Island | ListMembers | Sample | Top], Predicate]
"""What a scan does not know by itself: parts that look at other datasets, lists or the user's id."""


class Scan:
    """One dataset read once and grouped by user.

    `rows_of` is an activity whose matching rows alone are read; `extra` are further expressions for each user.
    """

    def __init__(
        self,
        dataset: Dataset,
        parts: Sequence[Part],
        around: Surroundings,
        *,
        rows_of: Activity | None = None,
        everyone: bool = False,
    ) -> None:
        self.dataset = dataset
        self.table = dataset_table(dataset)
        self._facts = Facts(dataset, self.table, around)
        leaves = list(dict.fromkeys(leaf for part in parts for leaf in leaves_of(part)))
        for leaf in leaves:
            self._facts.add(leaf)
        self._filters: list[Predicate] = []
        if (present := has_user(dataset, self.table)) is not None:
            self._filters.append(present)
        if rows_of is not None:
            self._filters.append(self._facts.matching(rows_of.where, rows_of.time_zone))
            if rows_of.time_zone is not None:  # days of a zone are computed; no key helps to find them
                self._filters += self._hull([rows_of])
        elif not everyone and all(holds_without_rows(part) is False for part in parts):
            self._filters += self._hull(leaves)

    def select(
        self, key: sa.ColumnElement[Any] | None = None, label: str = KEY, extra: Sequence[sa.Label[Any]] = ()
    ) -> sa.Select[Any]:
        """A row for each user: the key (as stored, unless another form of it is given) and what is asked about."""
        shown = known_key(self.dataset, self.table) if key is None else key
        columns = (shown.label(label), *self._facts.columns(), *extra)
        grouped = sa.select(*columns).select_from(self.table).group_by(user_key(self.dataset, self.table))
        return grouped.where(*self._filters)

    def holds(self, part: Part, source: sa.FromClause, elsewhere: Elsewhere) -> Predicate:
        """Whether a user, a row of this scan's select, satisfies a part."""
        match part:
            case Everyone():
                return FALSE if part.negated else TRUE
            case Activity() | StepSequence():
                return self._facts.holds(part, source)
            case Mixed():
                predicate = combined(part.combinator, [self.holds(one, source, elsewhere) for one in part.parts])
                return complement(predicate) if part.negated else predicate
            case Island() | ListMembers() | Sample() | Top():
                return elsewhere(part)
            case Group() | SegmentMembers():
                raise InternalError("a rule that was not expanded, or not split into islands, reached the compiler")
            case _:
                assert_never(part)

    def _hull(self, leaves: Sequence[Activity | StepSequence]) -> list[Predicate]:
        """Without matching rows no user qualifies, so rows that match nothing need not be read."""
        time = time_field(self.dataset)
        if time is None or not leaves:
            return []
        wheres = [
            where for leaf in leaves for where in (leaf.steps if isinstance(leaf, StepSequence) else (leaf.where,))
        ]
        return within_hull(wheres, time, self.table.c[time.name])


def split(part: Part) -> tuple[Activity | None, Part | None]:
    """A part as "has a row like this" and the rest, where the rest does not look at the dataset's rows.

    Then only those rows need to be read, which uses keys and skips columns. (None, None) is everyone.
    """
    if part == Everyone():
        return None, None
    if isinstance(part, Activity) and did(part):
        return part, None
    if isinstance(part, Mixed) and part.combinator is Combinator.AND and not part.negated:
        having = [one for one in part.parts if isinstance(one, Activity) and did(one)]
        rest = tuple(one for one in part.parts if one not in having)
        if len(having) == 1 and not any(True for one in rest for _ in leaves_of(one)):
            return having[0], replace(part, parts=rest) if rest else None
    return None, part
