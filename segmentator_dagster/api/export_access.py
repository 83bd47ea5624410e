"""A published export x what somebody may see of the data -> what they may know of it, and whether they may have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from segmentator_dagster.api.problems import FILE_NOT_ALLOWED
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.data_access import UNLIMITED, DataAccess, Shown
from segmentator_dagster.domain.export import Export, file_kind
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.exports.problems import TOO_MANY_ROWS


def refuse_unseen(export: Export, dataset: str, access: DataAccess, catalogue: Callable[[], Catalogue]) -> None:
    """UserError file_not_allowed, too_many_rows where its files show more of the data than this access does.

    `dataset` is the base dataset of the exported version. What its fields are now decides; one that is gone from the
    data is held to be what the manifest says.
    """
    if access.max_rows is not None and (export.rows or 0) > access.max_rows:
        raise TOO_MANY_ROWS.error(rows=export.rows or 0, limit=access.max_rows)
    if not access.has(dataset):
        raise FILE_NOT_ALLOWED.error(fields=f"`{shown(dataset)}`")
    if access.whole:
        return
    known = catalogue().dataset(dataset)
    columns = (export.manifest or {}).get("columns", [])[1:]  # the user id is always seen
    unseen = [column["name"] for column in columns if _shows_more(column, dataset, known, access)]
    if unseen:
        raise FILE_NOT_ALLOWED.error(fields=", ".join(f"`{shown(name)}`" for name in unseen))


def as_seen(export: Export, access: DataAccess) -> Export:
    """The export without the values its files are split by, which are data too, unless those are surely seen.

    Every export goes through here on its way out. The data is not asked: lists are read where ClickHouse is down.
    """
    split, dataset = export.options.split, (export.manifest or {}).get("dataset")
    if access == UNLIMITED or split is None or split.field is None:
        return export
    if dataset is not None and access.surely_shows(dataset, split.field):
        return export
    suffix, _ = file_kind(export.format, export.options)
    names = [f"{number}{suffix}" for number in range(1, len(export.files) + 1)]
    return replace(
        export,
        files=tuple(replace(file, file_name=name, value=None) for file, name in zip(export.files, names, strict=True)),
        manifest=export.manifest and {**export.manifest, "files": list(_unnamed(export.manifest["files"], names))},
    )


def _unnamed(files: list[Mapping[str, Any]], names: list[str]) -> Iterator[dict[str, Any]]:
    for file, name in zip(files, names, strict=True):
        yield {key: value for key, value in file.items() if key != "value"} | {"name": name}


def _shows_more(column: Mapping[str, Any], dataset: str, known: Dataset | None, access: DataAccess) -> bool:
    """Whether a column of a manifest shows more than the field, or each of the fields, that it may be."""
    for name in {column["name"], column["name"].removeprefix(f"{dataset}.")}:
        field = known.field(name) if known is not None else None
        gone = Field(name, FieldType(column["type"]), column["clickhouse_type"], nullable=True)
        allowed = access.shows(dataset, field or gone)
        if allowed is Shown.HIDDEN or (allowed is Shown.MASKED and not column.get("masked", False)):
            return True
    return False
