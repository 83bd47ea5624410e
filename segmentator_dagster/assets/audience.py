"""segment_audience: the rule of a segment -> its snapshot in ClickHouse."""

import dagster as dg

from segmentator_dagster.assets.partitions import segments
from segmentator_dagster.assets.run import request_of, run_of
from segmentator_dagster.exports.exporter import Exporter
from segmentator_dagster.scrubbing import Scrubber


@dg.asset(
    partitions_def=segments,
    deps=[dg.AssetDep("dataset", partition_mapping=dg.AllPartitionMapping())],
    group_name="segments",
    kinds={"clickhouse"},
    description="The users a segment's rule names at one moment. Every file and figure is made from this set.",
)
def segment_audience(
    context: dg.AssetExecutionContext, exporter: dg.ResourceParam[Exporter], scrubber: dg.ResourceParam[Scrubber]
) -> dg.MaterializeResult[None]:
    run = run_of(context)
    with request_of(context, exporter, run, scrubber) as request:
        taken = exporter.take_audience(request)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": taken.snapshot.users,
            "segment": taken.segment.definition.name,
            "version": taken.snapshot.version,
            "rule": taken.sentence,
            "sql": dg.MetadataValue.md(f"```sql\n{taken.query.sql}\n```"),
            "snapshot_id": taken.snapshot.id,
            "data_moment": dg.MetadataValue.timestamp(taken.snapshot.data_moment),
            "sample": dg.MetadataValue.table(
                records=[dg.TableRecord({"user_id": user_id}) for user_id in taken.sample],
                schema=dg.TableSchema(columns=[dg.TableColumn("user_id", "string")]),
            ),
            "request_id": request.id,
        },
        data_version=dg.DataVersion(taken.snapshot.id),
    )
