"""A saved definition -> its rule, and every problem it has with the data as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import Category, Problem, UserError, pointer_to
from segmentator_dagster.domain.export_checking import field_problems
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, UNKNOWN_FIELD, kind_of, shown, suggestion
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Rule
from segmentator_dagster.domain.segment import Definition

RULE_TOO_NEW = kind_of(
    "rule_too_new",
    "The rule is written in version {found} of the rule language; this program reads versions up to {known}.",
    "Правило записано на языке правил версии {found}; эта программа читает версии до {known}.",
    "Update the program.",
    "Обновите программу.",
)


def saved_rule(definition: Definition) -> Rule:
    """The rule of a saved definition; UserError where this program cannot read it, pointing into the rule."""
    if definition.rule_version > LANGUAGE_VERSION:
        raise RULE_TOO_NEW.error(found=definition.rule_version, known=LANGUAGE_VERSION)
    return parse_rule(definition.rule, default_dataset=definition.dataset)


@dataclass(frozen=True, slots=True)
class Examined:
    """A saved definition beside the data: its rule and what that refers to, and what keeps it from being computed.

    `rule` is None where it cannot be read; there are problems then.
    """

    rule: Rule | None
    library: Library
    problems: tuple[Problem, ...]


def examined(
    definition: Definition,
    catalogue: Catalogue,
    library_of: Callable[[Rule], Library],
    segment_id: int | None = None,
) -> Examined:
    """Whether a saved definition can be computed and exported now; pointers of problems lead into the definition.

    `library_of` looks up what a rule refers to, as `References.library` does.
    """
    try:
        rule = saved_rule(definition)
        library = library_of(rule)
    except UserError as error:
        if error.category is not Category.INVALID:  # nobody could look
            raise
        return Examined(None, Library(), tuple(problem.moved_under("/rule") for problem in error.problems))
    dataset = catalogue.dataset(definition.dataset)
    if dataset is None:
        name = shown(definition.dataset)
        problem = UNKNOWN_DATASET.at("/dataset", name=name, **suggestion(definition.dataset, catalogue.datasets))
        return Examined(rule, library, (problem,))
    found = check_rule(rule, catalogue, dataset.name, definition.time_zone, library=library, segment_id=segment_id)
    of_rule = (problem.moved_under("/rule") for problem in found)
    of_files = field_problems(definition.export, definition.columns, dataset) if definition.export else ()
    return Examined(rule, library, (*_missing_columns(definition, dataset), *of_files, *of_rule))


def _missing_columns(definition: Definition, dataset: Dataset) -> Iterator[Problem]:
    needed = [(dataset.user_key, "/dataset")]
    needed += [(name, pointer_to("/columns", index)) for index, name in enumerate(definition.columns or ())]
    for name, pointer in needed:
        if dataset.field(name) is None:
            known = suggestion(name, (field.name for field in dataset.fields))
            yield UNKNOWN_FIELD.at(pointer, dataset=shown(dataset.name), name=shown(name), **known)
