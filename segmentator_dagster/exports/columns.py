"""A definition and export options -> the dataset and the columns that files have for whoever asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from segmentator_dagster.compiler.members import output_columns
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.data_access import DataAccess, narrowed_dataset
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export_checking import field_problems, option_problems
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.domain.segment import Definition
from segmentator_dagster.exports.problems import DATASET_MISSING, DATASET_NOT_ALLOWED


@dataclass(frozen=True, slots=True)
class Columns:
    """The fields of a file beside the user id, in their order, and those it would have too, were they not hidden."""

    names: tuple[str, ...]
    left_out: tuple[Field, ...] = ()


def base_dataset(catalogue: Catalogue, definition: Definition, access: DataAccess) -> Dataset:
    """As somebody with this access sees it. UserError dataset_not_allowed, dataset_missing."""
    require_dataset(definition, access)
    dataset = catalogue.dataset(definition.dataset)
    if dataset is None:
        raise DATASET_MISSING.error(name=definition.dataset)
    return narrowed_dataset(dataset, access)


def require_dataset(definition: Definition, access: DataAccess) -> None:
    """UserError dataset_not_allowed."""
    if not access.has(definition.dataset):
        raise DATASET_NOT_ALLOWED.error(name=shown(definition.dataset))


def columns_of(definition: Definition, dataset: Dataset, options: ExportOptions, format_: str) -> Columns:
    """What files of a segment have. UserError where the options are wrong: not every request was checked.

    A name that the dataset never had stays among the names, for the compiler to refuse.
    """
    problems = [*option_problems(options, [format_]), *field_problems(options, definition.columns, dataset)]
    if problems:
        raise UserError(*problems)
    if preset := options.yandex_audience:
        return Columns(tuple(name for name in (preset.email, preset.phone) if name))
    if definition.columns is None:
        return Columns(tuple(field.name for field in dataset.fields), dataset.hidden)
    hidden = {field.name: field for field in dataset.hidden}
    return Columns(
        tuple(name for name in definition.columns if name not in hidden),
        tuple(hidden[name] for name in definition.columns if name in hidden),
    )


def export_fields(dataset: Dataset, names: Sequence[str]) -> tuple[Field, ...]:
    """The columns of a file as `member_rows` gives them: the user id as text, then the named fields, masks as text.

    A member who has no row in the dataset has no value in any of these, whatever the dataset says.
    """
    known = {field.name: field for field in dataset.fields}
    key = Field(USER_ID, FieldType.TEXT, "String", nullable=False)
    values = [known[name] for name in names if name != dataset.user_key]
    return tuple(
        replace(
            field,
            name=name,
            nullable=field is not key,
            clickhouse_type="String" if field.masked else field.clickhouse_type,
        )
        for field, name in zip((key, *values), output_columns(dataset, names), strict=True)
    )
