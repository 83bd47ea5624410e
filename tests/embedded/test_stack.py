from __future__ import annotations

from pathlib import Path

import pytest

from segmentator_dagster.embedded.instance import write_home
from segmentator_dagster.embedded.stack import API, CLICKHOUSE, DEMO, MIGRATIONS, YANDEX_ID, whole_stack
from segmentator_dagster.settings import Settings


def names(tmp_path: Path, **given: object) -> set[str]:
    settings = Settings(data_dir=tmp_path / "data", **given)  # type: ignore[arg-type]
    return {part.name for part in whole_stack(settings, write_home(settings))}


def test_without_settings_clickhouse_and_its_demo_data_are_ours(tmp_path: Path) -> None:
    assert {CLICKHOUSE, DEMO, MIGRATIONS, API} <= names(tmp_path)
    assert DEMO not in names(tmp_path, demo_users=0)


@pytest.mark.parametrize(("given", "demo"), [({}, False), ({"demo_users": 5}, True), ({"demo_users": 0}, False)])
def test_a_clickhouse_of_the_users_own_is_not_started_and_gets_demo_data_only_if_asked(
    tmp_path: Path, given: dict[str, int], demo: bool
) -> None:
    made = names(tmp_path, clickhouse_url="http://u:p@127.0.0.1:1", **given)
    assert CLICKHOUSE not in made
    assert (DEMO in made) == demo


@pytest.mark.parametrize(
    ("given", "emulated"), [({}, True), ({"yandex_client_id": "ours"}, False), ({"production": True}, False)]
)
def test_yandex_id_is_emulated_only_where_no_application_is_named_and_never_in_production(
    tmp_path: Path, given: dict[str, object], emulated: bool
) -> None:
    assert (YANDEX_ID in names(tmp_path, **given)) == emulated
