"""Segment or run -> the address of its page in Dagster's interface."""

from __future__ import annotations

DAGSTER_PATH = "/dagster"  # its prefix on Dagster's own server and, for administrators, on ours


def dagster_partition_url(base: str, segment_id: int) -> str:
    """`base` is the address of the interface: that of the product and `DAGSTER_PATH`."""
    return f"{base}/assets/segment_audience?view=partitions&partition={segment_id}"


def dagster_run_url(base: str, run_id: str) -> str:
    return f"{base}/runs/{run_id}"
