"""dataset: the tables rules read, one partition each; materialising one measures it."""

import dagster as dg

from segmentator_dagster.assets.partitions import datasets
from segmentator_dagster.storage.profile import DatasetProfile, DatasetProfiler


@dg.asset(
    partitions_def=datasets,
    group_name="datasets",
    kinds={"clickhouse", "table"},
    description="A ClickHouse table that rules read. Its data is loaded by collection; a run here measures it.",
)
def dataset(
    context: dg.AssetExecutionContext, profiler: dg.ResourceParam[DatasetProfiler]
) -> dg.MaterializeResult[None]:
    profile: DatasetProfile = profiler.profile(context.partition_key)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": profile.rows,
            "users": profile.users,
            "size": dg.MetadataValue.int(profile.bytes),
            "table": f"{profile.database}.{profile.table}",
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(name, type_) for name, type_ in profile.columns]
            ),
            **({"first": profile.first, "last": profile.last} if profile.first and profile.last else {}),
        }
    )
