from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.sensors.partitions import difference, partitions_mirror_sensor
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition

KEYS = st.sets(st.integers(0, 40).map(str))


@given(KEYS, KEYS)
def test_applying_the_difference_makes_the_partitions_those_wanted(wanted: set[str], present: set[str]) -> None:
    change = difference(wanted, present)
    assert (present | set(change.add)) - set(change.delete) == wanted
    assert not set(change.add) & present
    assert set(change.delete) <= present


def test_a_large_difference_is_applied_in_batches_that_reach_the_end() -> None:
    wanted, present = {str(n) for n in range(1200)}, {f"old {n}" for n in range(700)}
    for _ in range(3):
        change = difference(wanted, present)
        assert len(change.add) <= 500
        assert len(change.delete) <= 500
        present = (present | set(change.add)) - set(change.delete)
    assert present == wanted


def test_partitions_of_segments_and_datasets_come_and_go(
    segments: Segments, datasets: Datasets, instance: dg.DagsterInstance
) -> None:
    kept = segments.create(definition("a"), "f", None)
    deleted = segments.create(definition("b"), "f", None)
    segments.delete(deleted.id)
    datasets.register(RegisteredDataset("activity", "datasets", "activity", "user_id"))
    instance.add_dynamic_partitions("segments", ["stray", str(deleted.id)])

    def tick() -> dg.SensorResult | dg.SkipReason:
        context = dg.build_sensor_context(instance=instance, resources={"segments": segments, "datasets": datasets})
        return partitions_mirror_sensor(context)  # type: ignore[return-value]

    result = tick()
    assert isinstance(result, dg.SensorResult)
    for request in result.dynamic_partitions_requests or []:
        if isinstance(request, dg.AddDynamicPartitionsRequest):
            instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
        else:
            for key in request.partition_keys:
                instance.delete_dynamic_partition(request.partitions_def_name, key)
    assert instance.get_dynamic_partitions("segments") == [str(kept.id)]
    assert instance.get_dynamic_partitions("datasets") == ["activity"]
    assert [run.partition_key for run in result.run_requests or []] == ["activity"]
    assert isinstance(tick(), dg.SkipReason)


def test_a_segment_that_is_made_while_the_mirror_looks_keeps_its_partition(
    segments: Segments, datasets: Datasets, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make_another() -> None:
        made.append(str(segments.create(definition(f"new {len(made)}"), "f", None).id))
        instance.add_dynamic_partitions("segments", made[-1:])

    live_ids, partitions = Segments.live_ids, dg.DagsterInstance.get_dynamic_partitions

    def live_ids_then_another(self: Segments) -> frozenset[int]:
        found = live_ids(self)
        make_another()
        return found

    def partitions_then_another(self: dg.DagsterInstance, name: str) -> Sequence[str]:
        found = partitions(self, name)
        make_another()
        return found

    monkeypatch.setattr(Segments, "live_ids", live_ids_then_another)
    monkeypatch.setattr(dg.DagsterInstance, "get_dynamic_partitions", partitions_then_another)
    context = dg.build_sensor_context(instance=instance, resources={"segments": segments, "datasets": datasets})
    result = partitions_mirror_sensor(context)
    assert len(made) == 3
    asked = result.dynamic_partitions_requests or [] if isinstance(result, dg.SensorResult) else []
    deleted = [key for one in asked if isinstance(one, dg.DeleteDynamicPartitionsRequest) for key in one.partition_keys]
    assert deleted == []
