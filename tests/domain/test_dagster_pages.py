from __future__ import annotations

from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH, dagster_partition_url, dagster_run_url

BASE = f"https://segments.example.ru{DAGSTER_PATH}"


def test_a_segment_has_the_page_of_its_partition_and_a_run_its_own() -> None:
    assert dagster_partition_url(BASE, 17) == f"{BASE}/assets/segment_audience?view=partitions&partition=17"
    assert dagster_run_url(BASE, "5f1c") == f"{BASE}/runs/5f1c"
