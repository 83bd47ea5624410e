"""A dataset's figures as the server has them: rows, users, bytes, first and last moment."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import column, func, select, table

from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.storage.catalogue import dataset_in, read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import Datasets

_BYTES = "SELECT total_bytes FROM system.tables WHERE database = {database:String} AND name = {table:String}"


@dataclass(frozen=True, slots=True)
class DatasetProfile:
    """`bytes` is the compressed size on the server, 0 for a view; `first` and `last` are texts of the time field."""

    database: str
    table: str
    columns: tuple[tuple[str, str], ...]
    rows: int
    users: int
    bytes: int
    first: str | None
    last: str | None


@dataclass(frozen=True, slots=True)
class DatasetProfiler:
    datasets: Datasets
    clickhouse: ClickHouse

    def profile(self, name: str) -> DatasetProfile:
        """Measure a registered dataset; UserError dataset_not_found."""
        dataset = dataset_in(read_catalogue(self.datasets, self.clickhouse), name)
        source = table(dataset.table, *(column(field.name) for field in dataset.fields), schema=dataset.database)
        measures = [func.count(), func.uniqExact(source.c[dataset.user_key])]
        if dataset.time_field:
            time = source.c[dataset.time_field]
            measures += [func.toString(func.min(time)), func.toString(func.max(time))]
        rows, users, *span = self.clickhouse.rows(compile_statement(select(*measures).select_from(source)))[0]
        parameters = {"database": dataset.database, "table": dataset.table}
        size = self.clickhouse.scalar(CompiledQuery(_BYTES, parameters))
        first, last = span or (None, None)
        return DatasetProfile(
            dataset.database,
            dataset.table,
            tuple((field.name, field.clickhouse_type) for field in dataset.fields),
            rows,
            users,
            size or 0,
            first,
            last,
        )
