"""A rule as it was written -> a rule that makes sense on the data as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from segmentator_dagster.api.drafts import column_problems, time_zone_problems
from segmentator_dagster.compiler.audience import asked_of_data
from segmentator_dagster.domain.access import Actor
from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.data_access import narrowed
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import Category, Language, Problem, UserError
from segmentator_dagster.domain.export_checking import field_problems
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.fingerprint import fingerprint
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.parsing import Reading, read_rule
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, shown, suggestion
from segmentator_dagster.domain.references import Library, dataset_names, expanded
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.storage.metadata.references import References

Sentence = Mapping[str, str]
"""The same in each language."""
LANGUAGES: tuple[Language, ...] = ("ru", "en")
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule as it was written, in JSON or read already. None means: what the installation says."""

    rule: object
    dataset: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that makes sense to whoever asks; `library` holds what it refers to.

    `dataset` is the base dataset as they see it, `catalogue` the whole one, which the rules it refers to may need.
    """

    rule: Rule
    dataset: Dataset
    time_zone: str
    catalogue: Catalogue
    library: Library

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.rule, self.catalogue, self.dataset.name, self.time_zone)

    @property
    def depends_on_moment(self) -> bool:
        """Whether it has relative dates, also in segments it refers to."""
        alone = expanded(self.rule, self.dataset.name, self.library)
        lasting, at_a_moment = (placed(alone, self.catalogue, self.time_zone, at) for at in (None, _ANY_MOMENT))
        return lasting != at_a_moment

    @property
    def reads(self) -> tuple[Dataset, ...]:
        """Every dataset the audience is computed from, the base one first."""
        alone = expanded(self.rule, self.dataset.name, self.library)
        names = dict.fromkeys([self.dataset.name, *dataset_names(alone)])
        return tuple(self.catalogue.datasets[name] for name in names)

    def asked(self, moment: datetime, part: Rule | None = None) -> Rule:
        """What the rule, or a part of it, asks of the data at a moment."""
        rule = self.rule if part is None else part
        return asked_of_data(rule, self.catalogue, self.dataset.name, self.time_zone, moment, library=self.library)


class RuleService:
    def __init__(
        self,
        catalogue: Callable[[], Catalogue],
        references: References,
        settings_now: Callable[[], EffectiveSettings],
        default_dataset: str,
    ) -> None:
        self._catalogue = catalogue
        self._references = references
        self._settings_now = settings_now
        self._default_dataset = default_dataset

    def checked(
        self,
        actor: Actor,
        draft: RuleDraft,
        columns: Sequence[str] | None = None,
        beside: Sequence[Problem] = (),
        *,
        export: ExportOptions | None = None,
        segment_id: int | None = None,
    ) -> CheckedRule:
        """UserError with every problem of the rule, the dataset, the time zone, the columns, the fields that `export`
        names, after those `beside`.

        `segment_id` is the segment the rule is for, where it is saved already.
        """
        base = draft.dataset if draft.dataset is not None else self._default_dataset
        wrong_zone = tuple(time_zone_problems(draft.time_zone))
        zone = draft.time_zone if draft.time_zone is not None and not wrong_zone else self._settings_now().time_zone
        found = [*beside, *wrong_zone]
        reading = Reading(draft.rule) if isinstance(draft.rule, Rule) else read_rule(draft.rule, default_dataset=base)
        found += [problem.moved_under("/rule") for problem in reading.problems]
        library = None
        try:
            library = self._references.library(reading.rule, viewer=actor.viewer)
        except UserError as error:
            if error.category is not Category.INVALID:
                raise _nobody_could_look(found, error) from error
            found += [problem.moved_under("/rule") for problem in error.problems]
        try:
            whole = self._catalogue()
        except UserError as error:
            raise _nobody_could_look(found, error) from error
        catalogue = narrowed(whole, actor.access)
        known = catalogue.dataset(base)
        found += _base_problems(base, known, catalogue, columns)
        if known is not None and export is not None:
            found += field_problems(export, columns, known)
        if library is not None:
            problems = check_rule(
                reading.rule, catalogue, base, zone, library=library, segment_id=segment_id, whole=whole
            )
            # the missing base dataset is said above, where it was written
            found += [one.moved_under("/rule") for one in problems if known is not None or one.pointer]
        if found or known is None or library is None:
            raise UserError(*found)
        return CheckedRule(reading.rule, known, zone, whole, library)


def sentence(checked: CheckedRule) -> Sentence:
    """The rule in words."""
    return {one: describe(checked.rule, checked.catalogue, one, checked.library) for one in LANGUAGES}


def _nobody_could_look(found: Sequence[Problem], error: UserError) -> UserError:
    """What is wrong already is worth more than that a server is down."""
    return UserError(*found) if found else error


def _base_problems(
    name: str, dataset: Dataset | None, catalogue: Catalogue, columns: Sequence[str] | None
) -> Iterator[Problem]:
    if dataset is None:
        yield UNKNOWN_DATASET.at("/dataset", name=shown(name), **suggestion(name, catalogue.datasets))
    else:
        yield from column_problems(columns, dataset)
