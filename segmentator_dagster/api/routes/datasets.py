"""HTTP -> the use cases of datasets."""

from __future__ import annotations

from segmentator_dagster.api.documented import STORED, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.datasets import DatasetOut, DatasetsOut, FieldOut, FieldsOut
from segmentator_dagster.storage.catalogue import DATASET_NOT_FOUND
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE

router = closed_router(prefix="/datasets", tags=["datasets"])


@router.get(
    "",
    summary="List datasets",
    response_description="All of them, by name",
    responses=errors(*STORED, CLICKHOUSE_UNAVAILABLE),
)
def list_datasets(use: UseCases, caller: Caller) -> DatasetsOut:
    """Every registered dataset whose table is in ClickHouse now."""
    return DatasetsOut(items=[DatasetOut.of(dataset) for dataset in use.datasets.all(caller.actor)])


@router.get(
    "/{name}/fields",
    summary="List the fields of a dataset",
    response_description="The fields in the order of the table, with the operators rules may use",
    responses=errors(*STORED, DATASET_NOT_FOUND, CLICKHOUSE_UNAVAILABLE),
)
def list_fields(name: str, use: UseCases, caller: Caller) -> FieldsOut:
    """The columns of the table as it is now."""
    dataset = use.datasets.get(caller.actor, name)
    return FieldsOut(dataset=DatasetOut.of(dataset), items=[FieldOut.of(field) for field in dataset.fields])
