"""Rule -> SELECT of the user ids that make its audience, each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_never
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from segmentator_dagster.compiler.conditions import Predicate, combined, complement, row_predicate
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import USER_ID, dataset_table, has_user, key_type, user_id, user_key
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, unwrapped
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.rule import Activity, Everyone, Group, RowGroup, Rule

_ZERO: sa.ColumnElement[int] = sa.literal_column("0")


def compile_audience(rule: Rule, catalogue: Catalogue, base_dataset: str, time_zone: str) -> sa.Select[tuple[str]]:
    """A statement with one column `user_id` (String): every user of the base dataset whom the rule names, once.

    Pure. Rows of the base dataset are read once, whatever the number of conditions on it. Raises UserError with all
    problems of a rule that does not fit the catalogue.
    """
    if problems := check_rule(rule, catalogue, base_dataset, time_zone):
        raise UserError(*problems)
    return _Lowering(catalogue, base_dataset, ZoneInfo(time_zone)).statement(rule)


def compile_count(rule: Rule, catalogue: Catalogue, base_dataset: str, time_zone: str) -> CompiledQuery:
    """A query with one number: how many users `compile_audience` gives."""
    audience = compile_audience(rule, catalogue, base_dataset, time_zone).subquery("audience")
    return compile_statement(sa.select(sa.func.count().label("users")).select_from(audience))


@dataclass(frozen=True, slots=True)
class _Source:
    dataset: Dataset
    table: sa.TableClause


class _Lowering:
    """One rule over one base dataset."""

    def __init__(self, catalogue: Catalogue, base_dataset: str, zone: ZoneInfo) -> None:
        self._catalogue = catalogue
        self._zone = zone
        self._base = self._source(base_dataset)

    def statement(self, rule: Rule) -> sa.Select[tuple[str]]:
        filtered = self._as_filter(rule)
        users = self._users(self._base)
        if filtered is not None:
            return users.where(filtered)
        return users if rule == Everyone() else users.having(self._audience(rule))

    def _as_filter(self, rule: Rule) -> Predicate | None:
        """One activity of the base dataset needs no counting: it is a WHERE, which reads less (keys, prewhere)."""
        if isinstance(rule, Activity) and rule.did and self._is_base(rule.dataset) and rule.where is not None:
            return self._matching(rule.where, self._base)
        return None

    def _audience(self, rule: Rule) -> Predicate:
        """Whether one user, all of whose base rows are at hand, belongs to the audience."""
        match rule:
            case Everyone():
                return sa.false() if rule.negated else sa.true()
            case Activity():
                did = self._did_in_base(rule.where) if self._is_base(rule.dataset) else self._did_elsewhere(rule)
                return did if rule.did else complement(did)
            case Group():
                predicate = combined(rule.combinator, [self._audience(child) for child in rule.rules])
                return complement(predicate) if rule.negated else predicate
            case _:
                assert_never(rule)

    def _did_in_base(self, where: RowGroup | None) -> Predicate:
        rows = sa.func.count() if where is None else sa.func.countIf(self._matching(where, self._base))
        return rows > _ZERO

    def _did_elsewhere(self, rule: Activity) -> Predicate:
        """Membership in the users of another dataset, by the stored key where both are of one type, else as text."""
        other = self._source(rule.dataset)
        base_key, other_key = unwrapped(key_type(self._base.dataset)), unwrapped(key_type(other.dataset))
        as_stored = base_key == other_key
        users = self._users(other, as_stored=as_stored)
        if rule.where is not None:
            users = users.where(self._matching(rule.where, other))
        user = (user_key if as_stored else user_id)(self._base.dataset, self._base.table)
        return user.in_(users)

    def _matching(self, where: RowGroup, source: _Source) -> Predicate:
        return row_predicate(where, source.dataset, source.table, self._zone)

    def _users(self, source: _Source, *, as_stored: bool = False) -> sa.Select[tuple[str]]:
        key: sa.ColumnElement[Any] = user_key(source.dataset, source.table)
        selected = key if as_stored else user_id(source.dataset, source.table)
        users = sa.select(selected.label(USER_ID)).select_from(source.table).group_by(key)
        present = has_user(source.dataset, source.table)
        return users if present is None else users.where(present)

    def _is_base(self, dataset: str) -> bool:
        return dataset == self._base.dataset.name

    def _source(self, name: str) -> _Source:
        dataset = self._catalogue.dataset(name)
        if dataset is None:
            raise InternalError(f"an unchecked rule reached the compiler: no dataset {name!r}")
        return _Source(dataset, dataset_table(dataset))
