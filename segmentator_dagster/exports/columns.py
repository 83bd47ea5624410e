"""A definition and export options -> the dataset and the columns that files have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from segmentator_dagster.compiler.members import output_columns
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export_checking import field_problems, option_problems
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.segment import Definition
from segmentator_dagster.exports.problems import DATASET_MISSING


def base_dataset(catalogue: Catalogue, definition: Definition) -> Dataset:
    """UserError dataset_missing."""
    dataset = catalogue.dataset(definition.dataset)
    if dataset is None:
        raise DATASET_MISSING.error(name=definition.dataset)
    return dataset


def columns_of(definition: Definition, dataset: Dataset, options: ExportOptions, format_: str) -> Sequence[str]:
    """The fields that files of a segment need. UserError where the options are wrong: not every request was checked."""
    problems = [*option_problems(options, [format_]), *field_problems(options, definition.columns, dataset)]
    if problems:
        raise UserError(*problems)
    if preset := options.yandex_audience:
        return [name for name in (preset.email, preset.phone) if name]
    return [field.name for field in dataset.fields] if definition.columns is None else definition.columns


def export_fields(dataset: Dataset, names: Sequence[str]) -> tuple[Field, ...]:
    """The columns of a file as `member_rows` gives them: the user id as text, then the named fields.

    A member who has no row in the dataset has no value in any of these, whatever the dataset says.
    """
    known = {field.name: field for field in dataset.fields}
    key = Field(USER_ID, FieldType.TEXT, "String", nullable=False)
    values = [known[name] for name in names if name != dataset.user_key]
    return tuple(
        replace(field, name=name, nullable=field is not key)
        for field, name in zip((key, *values), output_columns(dataset, names), strict=True)
    )
