"""The steps of a funnel -> the same in words, each with its place in the request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from segmentator_dagster.api.rules import LANGUAGES, CheckedRule, Sentence
from segmentator_dagster.domain.describe import describe_part, describe_row
from segmentator_dagster.domain.errors import InternalError, Language
from segmentator_dagster.domain.funnel import Step
from segmentator_dagster.domain.rule import Activity


@dataclass(frozen=True, slots=True)
class SpokenStep:
    """`pointer` leads into the request, as those of problems do."""

    pointer: str
    depth: int
    sentence: Sentence


def spoken(checked: CheckedRule, steps: Sequence[Step]) -> Iterator[SpokenStep]:
    is_bare = isinstance(checked.rule, Activity) and checked.rule.bare  # written as a row group alone, without "where"
    for step in steps:
        pointer = step.pointer.removeprefix("/where") if is_bare else step.pointer
        yield SpokenStep(f"/rule{pointer}", step.depth, {one: _sentence(step, checked, one) for one in LANGUAGES})


def _sentence(step: Step, checked: CheckedRule, language: Language) -> str:
    catalogue, library = checked.catalogue, checked.library
    if step.row is None:
        return describe_part(step.alone, catalogue, language, library)
    if not isinstance(step.alone, Activity):
        raise InternalError(f"a condition on rows outside of an activity: {step.pointer}")
    return describe_row(step.row, catalogue.dataset(step.alone.dataset), language, library)
