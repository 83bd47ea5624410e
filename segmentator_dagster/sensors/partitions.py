"""Live segments and registered datasets -> the dynamic partitions of the assets, in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg

from segmentator_dagster.assets.partitions import DATASETS, SEGMENTS
from segmentator_dagster.assets.partitions import datasets as dataset_partitions
from segmentator_dagster.assets.partitions import segments as segment_partitions
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.segments import Segments

_BATCH = 500  # SQLite limits the variables of one statement


@dataclass(frozen=True, slots=True)
class Difference:
    """Keys to add and to delete so that the partitions are those wanted, at most a batch of each."""

    add: tuple[str, ...]
    delete: tuple[str, ...]


def difference(wanted: Iterable[str], present: Iterable[str]) -> Difference:
    wanted, present = set(wanted), set(present)
    return Difference(tuple(sorted(wanted - present)[:_BATCH]), tuple(sorted(present - wanted)[:_BATCH]))


@dg.sensor(
    name="partitions_mirror_sensor",
    target=dg.AssetSelection.assets("dataset"),
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one partition for each live segment and each dataset; measures a dataset when it is new.",
)
def partitions_mirror_sensor(
    context: dg.SensorEvaluationContext, segments: dg.ResourceParam[Segments], datasets: dg.ResourceParam[Datasets]
) -> dg.SensorResult | dg.SkipReason:
    # What is there is read before what should be: a partition of a segment that is made in between is not a stray.
    segments_there = context.instance.get_dynamic_partitions(SEGMENTS)
    datasets_there = context.instance.get_dynamic_partitions(DATASETS)
    of_segments = difference((str(id_) for id_ in segments.live_ids()), segments_there)
    of_datasets = difference((dataset.name for dataset in datasets.all()), datasets_there)
    requests = [
        request
        for definition, change in ((segment_partitions, of_segments), (dataset_partitions, of_datasets))
        for request in (
            [definition.build_add_request(list(change.add))] * bool(change.add)
            + [definition.build_delete_request(list(change.delete))] * bool(change.delete)
        )
    ]
    if not requests:
        return dg.SkipReason("Partitions are in step with segments and datasets.")
    runs = [dg.RunRequest(run_key=f"measure:{name}", partition_key=name) for name in of_datasets.add]
    return dg.SensorResult(dynamic_partitions_requests=requests, run_requests=runs)
