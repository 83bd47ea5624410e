"""A rule as it was written -> checked against the data, counted, previewed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import anyio.to_thread
import sqlalchemy as sa

from segmentator_dagster.api.drafts import column_problems, time_zone_problems
from segmentator_dagster.compiler.audience import compile_audience, compile_count
from segmentator_dagster.compiler.members import member_rows, output_columns
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, FieldType
from segmentator_dagster.domain.checking import check_rule, depends_on_time_zone
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.fingerprint import fingerprint
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, shown, suggestion
from segmentator_dagster.domain.rule import Activity, Everyone, Group, Rule
from segmentator_dagster.storage.cache import CountCache, RememberedCount, count_key, data_version
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import now


@dataclass(frozen=True, slots=True)
class Defaults:
    """What an installation says where a rule or a segment says nothing."""

    dataset: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that makes sense on the catalogue it was checked against."""

    rule: Rule
    dataset: Dataset
    time_zone: str
    catalogue: Catalogue

    @property
    def fingerprint(self) -> str:
        zone = self.time_zone if depends_on_time_zone(self.rule, self.catalogue) else None
        return fingerprint(self.rule, self.dataset.name, zone)

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Every dataset the audience is computed from."""
        names = dict.fromkeys([self.dataset.name, *_dataset_names(self.rule)])
        return tuple(self.catalogue.datasets[name] for name in names)


@dataclass(frozen=True, slots=True)
class Count:
    rule: CheckedRule
    found: RememberedCount
    cached: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Preview:
    """`columns` are names and types; the first one is the user id."""

    columns: tuple[tuple[str, FieldType], ...]
    rows: Sequence[Sequence[Any]]
    milliseconds: float


class RuleService:
    def __init__(
        self, catalogue: Callable[[], Catalogue], reader: ClickHouse, counts: CountCache, defaults: Defaults
    ) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self._counts = counts
        self._defaults = defaults

    def checked(
        self,
        rule: object,
        dataset: str | None,
        time_zone: str | None = None,
        columns: Sequence[str] | None = None,
        beside: Sequence[Problem] = (),
    ) -> CheckedRule:
        """UserError with every problem of the rule, the dataset, the time zone, the columns, after those `beside`."""
        base = dataset if dataset is not None else self._defaults.dataset
        found = [*beside, *time_zone_problems(time_zone)]
        zone = time_zone if time_zone is not None and not found else self._defaults.time_zone
        parsed: Rule | None = None
        try:
            parsed = parse_rule(rule, default_dataset=base)
        except UserError as error:
            found += [problem.moved_under("/rule") for problem in error.problems]
        try:
            catalogue = self._catalogue()
        except UserError as error:  # what is wrong already is worth more than that ClickHouse is down
            raise UserError(*found) if found else error from error
        known = catalogue.dataset(base)
        found += _meaning_problems(parsed, catalogue, base, zone, columns)
        if found or parsed is None or known is None:
            raise UserError(*found)
        return CheckedRule(parsed, known, zone, catalogue)

    async def count(self, rule: object, dataset: str | None, time_zone: str | None) -> Count:
        """How many users the audience has now; remembered until the data of one of its datasets changes."""
        started = time.perf_counter()
        checked, version = await anyio.to_thread.run_sync(self._with_version, rule, dataset, time_zone)
        key = count_key(checked.fingerprint, version) if version is not None else None
        if key and (remembered := await self._counts.get(key)):
            return Count(checked, remembered, cached=True, milliseconds=_milliseconds_since(started))
        counted = await anyio.to_thread.run_sync(self._count, checked)
        if key:
            await self._counts.put(key, counted)
        return Count(checked, counted, cached=False, milliseconds=_milliseconds_since(started))

    def preview(self, rule: object, dataset: str | None, columns: Sequence[str] | None, limit: int) -> Preview:
        """The first members of the audience by user id, with the columns a file of it would have."""
        started = time.perf_counter()
        checked = self.checked(rule, dataset, columns=columns)
        base = checked.dataset
        names = list(columns) if columns is not None else [field.name for field in base.fields]
        audience = compile_audience(checked.rule, checked.catalogue, base.name, checked.time_zone).subquery("audience")
        user_id = audience.c[USER_ID]
        query = compile_statement(member_rows(base, names, sa.select(user_id).order_by(user_id).limit(limit)))
        rows = self._reader.rows(query)
        types = [field.type for name in names if name != base.user_key and (field := base.field(name))]
        shown_columns = zip(output_columns(base, names), [FieldType.TEXT, *types], strict=True)
        return Preview(tuple(shown_columns), rows, _milliseconds_since(started))

    def _with_version(self, rule: object, dataset: str | None, time_zone: str | None) -> tuple[CheckedRule, str | None]:
        checked = self.checked(rule, dataset, time_zone)
        return checked, data_version(self._reader, checked.datasets)

    def _count(self, checked: CheckedRule) -> RememberedCount:
        moment = now()
        query = compile_count(checked.rule, checked.catalogue, checked.dataset.name, checked.time_zone)
        return RememberedCount(int(self._reader.scalar(query)), moment)


def sentences(checked: CheckedRule) -> dict[str, str]:
    """The rule as a sentence in each language."""
    return {
        "ru": describe(checked.rule, checked.catalogue, "ru"),
        "en": describe(checked.rule, checked.catalogue, "en"),
    }


def _meaning_problems(
    rule: Rule | None, catalogue: Catalogue, base: str, time_zone: str, columns: Sequence[str] | None
) -> Iterator[Problem]:
    dataset = catalogue.dataset(base)
    if dataset is None:
        yield UNKNOWN_DATASET.at("/dataset", name=shown(base), **suggestion(base, catalogue.datasets))
    else:
        yield from column_problems(columns, dataset)
    for problem in check_rule(rule, catalogue, base, time_zone) if rule is not None else ():
        if dataset is not None or problem.pointer:  # the missing base dataset is said above, where it was written
            yield problem.moved_under("/rule")


def _dataset_names(rule: Rule) -> Iterator[str]:
    match rule:
        case Activity():
            yield rule.dataset
        case Group():
            for child in rule.rules:
                yield from _dataset_names(child)
        case Everyone():
            return
        case _:
            assert_never(rule)


def _milliseconds_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
