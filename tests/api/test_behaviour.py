"""What the API does, over REST and over GraphQL: the same answers, the same refusals."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.behaviour import Api, GraphQL, RefusedError, Rest, session_of
from tests.api.conftest import RULE, Stack, running_stack
from tests.api.exporting import publish, snapshot, started
from tests.api.list_requests import made as made_list
from tests.api.people import ADMINISTRATOR
from tests.servers.clickhouse import ClickHouseServer

WRONG_RULE = {"combinator": "and", "rules": [{"field": "plattform", "operator": "=", "value": "ios"}]}
NOT_TWICE = {"milliseconds", "data_moment", "cached"}


@dataclass(frozen=True)
class World:
    """One installation, and how somebody calls it by the way of this run of the test."""

    stack: Stack
    database: Database
    way: Callable[[Any], Api]
    open: ExitStack

    def of(self, login: str, role: Role = Role.USER) -> Api:
        url = str(self.stack.client.base_url)
        return self.way(self.open.enter_context(session_of(self.database, url, login, role)))

    @property
    def administrator(self) -> Api:
        return self.of(ADMINISTRATOR, Role.ADMINISTRATOR)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    admin: ClickHouse,
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
) -> Iterator[Stack]:
    create_databases(admin, "segmentator", "datasets")
    folder = tmp_path_factory.mktemp("behaviour")
    urls = {"clickhouse_url": clickhouse_server.writer_url, "clickhouse_reader_url": clickhouse_server.reader_url}
    with running_stack(folder, (visits,), **urls) as running:
        yield running


@pytest.fixture(params=[Rest, GraphQL], ids=["rest", "graphql"])
def world(request: pytest.FixtureRequest, stack: Stack) -> Iterator[World]:
    database = Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")
    with ExitStack() as opened:
        yield World(stack, database, request.param, opened)
    database.close()


@pytest.fixture
def api(world: World) -> Api:
    return world.administrator


def new(prefix: str = "s") -> str:
    return f"{prefix} {uuid.uuid4().hex[:12]}"


def segment(api: Api, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = api.call("create_segment", {"name": new(), "rule": RULE, **more})
    return made


def refused(api: Api, route: str, body: Any = None, **arguments: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        api.call(route, body, **arguments)
    return caught.value


def test_a_segment_is_saved_and_read_whole(world: World, api: Api) -> None:
    name, schedule = new(), {"cron": "0 6 * * 1", "formats": ["csv"]}
    said = {"tags": ["a", "Б"], "columns": ["visits"], "time_zone": "Asia/Omsk", "export": {"headers": "ru"}}
    made = api.call("create_segment", {"name": name, "rule": RULE, "visibility": "team", "schedule": schedule, **said})
    assert made == {**made, **said, "name": name, "schedule": schedule, "visibility": "team", "version": 1}
    assert made["owner"]["name"] == ADMINISTRATOR.title()
    assert made["links"]["dagster"].endswith(f"partition={made['id']}")
    assert made == Rest(world.stack.client).call("get_segment", segment_id=made["id"]) | {"links": made["links"]}
    assert made == api.call("get_segment", segment_id=made["id"])


def test_a_change_makes_a_version_and_an_old_base_is_told_the_current_one(api: Api) -> None:
    made = segment(api, description="до", columns=["visits"])
    changed = api.call("update_segment", {"version": 1, "columns": None, "tags": ["t"]}, segment_id=made["id"])
    assert (changed["version"], changed["columns"], changed["tags"], changed["description"]) == (2, None, ["t"], "до")
    late = refused(api, "update_segment", {"version": 1, "name": new()}, segment_id=made["id"])
    assert late.problems == [("version_conflict", "/version")]
    assert late.extra == {"current": changed}
    versions = api.call("list_versions", segment_id=made["id"])
    assert [(one["version"], one["columns"], one["created_by"]["name"]) for one in versions] == [
        (2, None, ADMINISTRATOR.title()),
        (1, ["visits"], ADMINISTRATOR.title()),
    ]


def test_segments_are_found_sorted_and_come_page_by_page(api: Api) -> None:
    word = uuid.uuid4().hex
    names = [f"{word} {number}" for number in range(5)]
    for name in names:
        segment(api, name=name, tags=[word])
    first = api.call("list_segments", search=word, sort="name", limit=3)
    second = api.call("list_segments", search=word, sort="name", limit=3, cursor=first["next_cursor"])
    assert [one["name"] for one in [*first["items"], *second["items"]]] == names
    assert second["next_cursor"] is None
    assert len(api.call("list_segments", tag=word, broken=False, limit=100)["items"]) == 5
    assert api.call("list_segments", tag=word, broken=True)["items"] == []
    assert api.call("list_segments", tag=word, deleted=True)["items"] == []


def test_a_segment_is_copied_deleted_and_restored(api: Api) -> None:
    made = segment(api, schedule={"cron": "0 6 * * 1", "formats": ["csv"]})
    copy = api.call("copy_segment", {"name": None}, segment_id=made["id"])
    assert (copy["name"], copy["rule"], copy["schedule"]) == (f"{made['name']} (копия)", made["rule"], None)
    user = segment(api, rule={"kind": "segment", "segment_id": made["id"]})
    assert api.call("get_segment", segment_id=made["id"])["used_by"] == [{"id": user["id"], "name": user["name"]}]
    used = refused(api, "delete_segment", segment_id=made["id"])
    assert (used.code, used.extra["used_by"]) == ("segment_in_use", [{"id": user["id"], "name": user["name"]}])
    assert api.call("delete_segment", segment_id=user["id"]) is True
    assert api.call("delete_segment", segment_id=made["id"]) is True
    assert refused(api, "get_segment", segment_id=made["id"]).code == "segment_deleted"
    assert api.call("restore_segment", segment_id=made["id"])["name"] == made["name"]


def test_a_rule_file_goes_out_and_comes_in(api: Api) -> None:
    made = segment(api)
    file = api.call("download_rule_file", segment_id=made["id"])
    name = new()
    assert api.call("import_rule_file", file, name=name)["rule"] == made["rule"]
    assert refused(api, "import_rule_file", {"segmentator": "nothing"}).code == "not_a_rule_file"


def test_the_data_answer_alike(world: World, api: Api) -> None:
    rest, rule = Rest(world.stack.client), {"rule": RULE}
    questions: list[tuple[str, Any, dict[str, Any]]] = [
        ("count_audience", rule, {}),
        ("preview_audience", {**rule, "columns": ["visits", "price"], "limit": 2}, {}),
        ("break_down_audience", {**rule, "field": "platform_main"}, {}),
        ("explain_audience", rule, {}),
        ("check_rule", {**rule, "time_zone": "Asia/Omsk"}, {}),
        ("list_values", None, {"name": "visits", "field": "platform_main", "prefix": "i"}),
        ("list_datasets", None, {}),
        ("list_operators", None, {}),
        ("get_rule_schema", None, {}),
        ("export_options", None, {}),
    ]
    for route, body, arguments in questions:
        assert _lasting(api.call(route, body, **arguments)) == _lasting(rest.call(route, body, **arguments)), route
    assert api.call("count_audience", rule)["count"] == 2


def _lasting(answer: Any) -> Any:
    if not isinstance(answer, dict):
        return answer
    return {key: value for key, value in answer.items() if key not in NOT_TWICE}


def test_exports_are_asked_for_once_watched_cancelled_and_fetched(world: World, api: Api) -> None:
    made = segment(api)
    key = uuid.uuid4().hex
    body = {"formats": ["csv", "xlsx"], "export": {"headers": "ru"}}
    asked = api.call("request_exports", body, segment_id=made["id"], idempotency_key=key)
    again = api.call("request_exports", body, segment_id=made["id"], idempotency_key=key)
    assert [one["id"] for one in again] == [one["id"] for one in asked]
    other = refused(api, "request_exports", {"formats": ["csv"]}, segment_id=made["id"], idempotency_key=key)
    assert other.code == "idempotency_key_reused"
    first, second = asked
    assert refused(api, "download_export", export_id=first["id"]).code == "export_not_published"
    started(world.stack, first["id"])
    publish(world.stack, first["id"])
    detail = api.call("get_export", export_id=first["id"])
    assert (detail["status"], detail["options"]["headers"], detail["manifest"]["rows"]) == ("published", "ru", 2)
    assert api.call("download_export", export_id=first["id"]).startswith("/api/v1/files/")
    assert refused(api, "download_export", export_id=first["id"], file=0).problems == [("out_of_range", "/file")]
    assert refused(api, "download_export", export_id=first["id"], file=2).problems == [("file_not_found", "/file")]
    assert api.call("cancel_export", export_id=second["id"])["status"] == "cancelled"
    assert refused(api, "cancel_export", export_id=first["id"]).code == "export_finished"
    listed = api.call("list_exports", segment_id=made["id"])
    assert sorted(one["status"] for one in listed) == ["cancelled", "published"]
    assert api.call("get_segment", segment_id=made["id"])["last_export"]["id"] in {first["id"], second["id"]}


def test_snapshots_are_listed_and_exported_again(world: World, api: Api) -> None:
    made = segment(api)
    taken = snapshot(world.stack, made["id"])
    assert [one["id"] for one in api.call("list_snapshots", segment_id=made["id"])] == [taken.id]
    compare = {"from_snapshot_id": taken.id, "to_snapshot_id": None, "keep": "added"}
    (asked,) = api.call("request_exports", {"formats": ["csv"], "compare": compare}, segment_id=made["id"])
    assert api.call("get_export", export_id=asked["id"])["compare"] == compare
    both = {"formats": ["csv"], "compare": compare, "snapshot_id": taken.id}
    assert refused(api, "request_exports", both, segment_id=made["id"]).problems == [
        ("snapshot_or_compare", "/snapshot_id")
    ]


def test_lists_are_renamed_shared_deleted_and_restored(world: World, api: Api) -> None:
    made = made_list(world.stack, "u1", "u2", name=new())
    name = new()
    renamed = api.call("rename_list", {"name": name}, list_id=made["id"])
    assert (renamed["name"], renamed["items"], renamed["report"]["rows"]) == (name, 2, 2)
    assert api.call("get_list", list_id=made["id"]) == renamed
    assert [one["id"] for one in api.call("list_lists", search=name)["items"]] == [made["id"]]
    assert api.call("share_list", {"visibility": "team"}, list_id=made["id"])["visibility"] == "team"
    assert api.call("delete_list", list_id=made["id"]) is True
    assert refused(api, "get_list", list_id=made["id"]).code == "list_deleted"
    assert api.call("restore_list", list_id=made["id"])["visibility"] == "team"


def test_people_are_invited_promoted_blocked_and_deleted(world: World, api: Api) -> None:
    login = f"p{uuid.uuid4().hex[:12]}"
    invite = api.call("create_invite", {"contact": login})
    assert (invite["contact"], invite["role"]) == (login, "user")
    assert login in [one["contact"] for one in api.call("list_invites")]
    assert refused(api, "create_invite", {"contact": login}).code == "already_invited"
    assert api.call("withdraw_invite", invite_id=invite["id"]) is True
    world.of(login)
    (found,) = api.call("list_people", search=login, role="user")["items"]
    assert api.call("set_role", {"role": "administrator"}, person_id=found["id"])["role"] == "administrator"
    assert api.call("set_role", {"role": "user"}, person_id=found["id"])["role"] == "user"
    assert api.call("block_person", person_id=found["id"])["blocked"] is True
    assert [one["id"] for one in api.call("list_people", search=login, blocked=True)["items"]] == [found["id"]]
    assert api.call("unblock_person", person_id=found["id"])["blocked"] is False
    access = {"fields": {"visits": {"platform_main": "hidden"}}, "max_rows": 5}
    assert _said(api.call("set_access_of_person", access, person_id=found["id"])["access"]) == access
    assert _said(api.call("get_person", person_id=found["id"])["access"]) == access
    assert _said(api.call("set_access_of_person", {}, person_id=found["id"])["access"]) == {}
    assert api.call("delete_person", person_id=found["id"]) is True
    assert api.call("get_person", person_id=found["id"])["name"] == ""


def test_what_everybody_may_see_is_set_and_taken_back(api: Api) -> None:
    before = api.call("get_access")
    access = {"datasets": {"visits": True}, "may_export": True}
    assert _said(api.call("set_access", access)) == access
    assert _said(api.call("get_access")) == access
    assert api.call("set_access", before) == before
    wrong = refused(api, "set_access", {"datasets": {"vizits": True}, "sensitive": "shown"})
    assert wrong.problems == [("unknown_dataset", "/datasets/vizits")]
    assert refused(api, "set_access", {"max_rows": 0}).problems[0][1].startswith("/max_rows")


def _said(layer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in layer.items() if value is not None}


def test_oneself_one_sees_and_ends_what_one_has(world: World) -> None:
    api = world.of(f"me{uuid.uuid4().hex[:8]}")
    me = api.call("get_me")
    assert (me["role"], me["via"], me["scopes"]) == ("user", "session", ["admin", "edit", "export", "read"])
    (session,) = api.call("list_own_sessions")
    assert session["current"] is True
    token = api.call("create_token", {"name": "t", "scopes": ["read", "export"], "days": 3})
    assert token["token"].startswith(f"sgm_{token['id']}_")
    (listed,) = api.call("list_own_tokens")
    assert listed == {key: value for key, value in token.items() if key != "token"}
    assert api.call("revoke_token", token_id=token["id"]) is True
    assert api.call("list_own_tokens")[0]["revoked_at"] is not None
    assert refused(api, "create_token", {"name": "t", "scopes": ["admin"]}).problems == [("scope_not_yours", "/scopes")]
    assert api.call("end_own_session", session_id=session["id"]) is True
    assert refused(api, "get_me").code == "not_signed_in"


def test_settings_are_changed_from_the_version_they_were_read_in(api: Api) -> None:
    before = api.call("get_settings")
    changed = api.call("change_settings", {"version": before["version"], "link_seconds": 17, "language": "ru"})
    assert (changed["effective"]["link_seconds"], changed["said"]["link_seconds"]) == (17, 17)
    late = refused(api, "change_settings", {"version": before["version"], "link_seconds": 18})
    assert late.problems == [("settings_changed", "/version")]
    wrong = refused(api, "change_settings", {"version": changed["version"], "time_zone": "Mars"})
    assert wrong.problems == [("unknown_time_zone", "/time_zone")]
    back = {"version": changed["version"], "link_seconds": None, "language": None}
    assert api.call("change_settings", back)["said"] == before["said"]


def test_what_was_done_is_in_the_log_with_who_did_it(api: Api) -> None:
    made = segment(api)
    filters = {"event": "segment.create", "object_kind": "segment", "object_id": str(made["id"])}
    (entry,) = api.call("list_audit", **filters)["items"]
    assert (entry["actor"]["name"], entry["object"]["name"], entry["via"]) == ("Admin", made["name"], "session")
    assert entry["after"]["visibility"] == "private"


def test_what_is_not_ones_own_is_not_there_or_not_to_be_changed(world: World, api: Api) -> None:
    other = world.of("other")
    private, team = segment(api), segment(api, visibility="team")
    for route in ("get_segment", "list_versions", "list_exports", "list_snapshots", "download_rule_file"):
        assert refused(other, route, segment_id=private["id"]).problems == [("segment_not_found", "")], route
    assert other.call("get_segment", segment_id=team["id"])["owner"]["name"] == "Admin"
    assert other.call("get_segment", segment_id=team["id"])["links"] == {"dagster": None}
    for route, body in (
        ("update_segment", {"version": 1, "name": new()}),
        ("share_segment", {"visibility": "private"}),
    ):
        assert refused(other, route, body, segment_id=team["id"]).problems == [("not_yours", "")], route
    assert refused(other, "delete_segment", segment_id=team["id"]).code == "not_yours"
    assert other.call("copy_segment", {"name": new()}, segment_id=team["id"])["owner"]["name"] == "Other"
    (asked,) = api.call("request_exports", {"formats": ["csv"]}, segment_id=private["id"])
    assert refused(other, "get_export", export_id=asked["id"]).code == "export_not_found"
    assert refused(other, "count_audience", {"rule": {"kind": "segment", "segment_id": private["id"]}}).problems == [
        ("unknown_segment", "/rule/segment_id")
    ]


ADMINISTRATORS: list[tuple[str, Any, dict[str, Any]]] = [
    ("list_people", None, {}),
    ("get_person", None, {"person_id": 1}),
    ("list_invites", None, {}),
    ("create_invite", {"contact": "somebody"}, {}),
    ("set_role", {"role": "administrator"}, {"person_id": 1}),
    ("block_person", None, {"person_id": 1}),
    ("get_access", None, {}),
    ("set_access", {}, {}),
    ("get_settings", None, {}),
    ("change_settings", {"version": 0}, {}),
    ("list_audit", None, {}),
]


@pytest.mark.parametrize(("route", "body", "arguments"), ADMINISTRATORS, ids=[one[0] for one in ADMINISTRATORS])
def test_what_is_for_administrators_a_user_is_refused(
    world: World, route: str, body: Any, arguments: dict[str, Any]
) -> None:
    assert refused(world.of("other"), route, body, **arguments).problems == [("administrators_only", "")]


def test_a_token_does_what_its_scopes_say_and_nothing_of_people(world: World) -> None:
    program = world.way(world.stack.client)
    assert program.call("get_me")["via"] == "token"
    assert refused(program, "create_token", {"name": "t", "scopes": ["read"]}).problems == [("session_only", "")]
    assert refused(program, "create_invite", {"contact": "somebody"}).problems == [("session_only", "")]


REFUSALS: list[tuple[str, Any, dict[str, Any], list[tuple[str, str]]]] = [
    ("create_segment", {"name": " ", "rule": RULE}, {}, [("empty_name", "/name")]),
    (
        "create_segment",
        {"name": "a" * 51, "rule": WRONG_RULE, "time_zone": "Mars", "tags": [""]},
        {},
        [
            ("too_long", "/name"),
            ("empty_name", "/tags/0"),
            ("unknown_time_zone", "/time_zone"),
            ("unknown_field", "/rule/rules/0/field"),
        ],
    ),
    (
        "create_segment",
        {"name": "a", "rule": RULE, "schedule": {"cron": "often", "formats": ["csv", "dbf"]}},
        {},
        [("bad_cron", "/schedule/cron"), ("unknown_format", "/schedule/formats/1")],
    ),
    (
        "create_segment",
        {"name": "a", "rule": RULE, "export": {"headers": "xx"}},
        {},
        [("unknown_choice", "/export/headers")],
    ),
    (
        "create_segment",
        {"name": "a", "rule": RULE, "columns": ["x", "x"]},
        {},
        [("unknown_field", "/columns/0"), ("unknown_field", "/columns/1")],
    ),
    (
        "create_segment",
        {"name": "a", "rule": {"kind": "group", "combinator": "and", "rules": []}},
        {},
        [("empty_group", "/rule/rules")],
    ),
    ("get_segment", None, {"segment_id": 10**9}, [("segment_not_found", "")]),
    ("list_segments", None, {"sort": "rule"}, [("unknown_choice", "/sort")]),
    ("list_segments", None, {"cursor": "nonsense"}, [("bad_cursor", "/cursor")]),
    ("list_segments", None, {"limit": 201}, [("out_of_range", "/limit")]),
    ("list_segments", None, {"limit": 0}, [("out_of_range", "/limit")]),
    ("list_segments", None, {"search": "a" * 201}, [("too_long", "/search")]),
    ("list_segments", None, {"owner": 0}, [("out_of_range", "/owner")]),
    ("list_people", None, {"limit": 201}, [("out_of_range", "/limit")]),
    ("list_lists", None, {"cursor": "nonsense"}, [("bad_cursor", "/cursor")]),
    ("list_audit", None, {"limit": 201}, [("out_of_range", "/limit")]),
    ("list_exports", None, {"segment_id": 10**9}, [("segment_not_found", "")]),
    ("get_list", None, {"list_id": 10**9}, [("list_not_found", "")]),
    ("rename_list", {"name": ""}, {"list_id": 10**9}, [("empty_name", "/name")]),
    ("get_export", None, {"export_id": "5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11"}, [("export_not_found", "")]),
    ("get_export", None, {"export_id": "nothing"}, [("export_not_found", "")]),
    ("count_audience", {"rule": WRONG_RULE}, {}, [("unknown_field", "/rule/rules/0/field")]),
    ("count_audience", {"rule": 7}, {}, [("wrong_json_type", "/rule")]),
    ("count_audience", {"rule": RULE, "dataset": "vizits"}, {}, [("unknown_dataset", "/dataset")]),
    ("preview_audience", {"rule": RULE, "limit": 101}, {}, [("out_of_range", "/limit")]),
    ("preview_audience", {"rule": RULE, "columns": []}, {}, [("empty_list", "/columns")]),
    ("break_down_audience", {"rule": RULE, "field": "vizits"}, {}, [("unknown_field", "/field")]),
    ("create_invite", {"contact": "not a login"}, {}, [("bad_contact", "/contact")]),
    ("get_person", None, {"person_id": 10**9}, [("person_not_found", "")]),
    ("create_token", {"name": "", "scopes": ["read"]}, {}, [("empty_name", "/name")]),
    ("create_token", {"name": "t", "scopes": []}, {}, [("empty_list", "/scopes")]),
    ("create_token", {"name": "t", "scopes": ["read"], "days": 0}, {}, [("out_of_range", "/days")]),
    ("revoke_token", None, {"token_id": "nothing"}, [("token_not_found", "")]),
    ("end_own_session", None, {"session_id": "nothing"}, [("session_not_found", "")]),
]


@pytest.mark.parametrize(
    ("route", "body", "arguments", "problems"), REFUSALS, ids=[f"{one[0]}-{one[3][0][0]}" for one in REFUSALS]
)
def test_what_makes_no_sense_is_refused_with_code_and_place(
    api: Api, route: str, body: Any, arguments: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    assert refused(api, route, body, **arguments).problems == problems


def test_requests_for_exports_that_make_no_sense_are_refused_with_code_and_place(api: Api) -> None:
    made = segment(api)
    wrong: list[tuple[Any, list[tuple[str, str]]]] = [
        ({"formats": []}, [("empty_list", "/formats")]),
        ({"formats": ["csv", "csv"]}, [("duplicate_value", "/formats/1")]),
        ({"formats": ["csv"], "snapshot_id": "nothing"}, [("snapshot_not_found", "/snapshot_id")]),
        ({"formats": ["csv"], "export": {"csv": {"delimiter": "x"}}}, [("unknown_choice", "/export/csv/delimiter")]),
    ]
    for body, problems in wrong:
        assert refused(api, "request_exports", body, segment_id=made["id"]).problems == problems
    key = refused(api, "request_exports", {"formats": ["csv"]}, segment_id=made["id"], idempotency_key="a b")
    assert key.problems == [("bad_idempotency_key", "")]


def test_the_last_administrator_cannot_go(world: World, api: Api) -> None:
    me = api.call("get_me")["id"]
    for route, body in (("set_role", {"role": "user"}), ("block_person", None), ("delete_person", None)):
        assert refused(api, route, body, person_id=me).problems == [("last_administrator", "")], route
