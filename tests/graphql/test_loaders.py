"""Many segments in one answer -> as many statements as for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Engine, event

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.of_segments import OfSegments
from tests.api.conftest import Stack
from tests.api.exporting import ask as ask_for
from tests.api.exporting import snapshot
from tests.api.people import person
from tests.graphql.conftest import USER, data, database_of

QUERY = """query ($most: Int) {
    segments(first: $most, sort: "id") {
        items {
            id owner { name } lastExport { id } usedBy { id }
            exports(first: 3) { id status createdAt }
            snapshots(first: 2) { id }
            versions(first: 2) { version createdBy { name } }
        }
    }
}"""


@contextmanager
def statements() -> Iterator[list[str]]:
    """SELECTs of this process on the tables of segments; not those of sessions."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if any(name in statement for name in ("segment", "export", "snapshot", "people", "rule_references")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_fifty_segments_cost_no_more_statements_than_two(stack: Stack) -> None:
    first = stack.segment("0", tags=["a", "b"])
    others = [stack.segment(str(n), rule={"kind": "segment", "segment_id": first["id"]}) for n in range(1, 50)]
    for one in (first, *others[:10]):
        for _ in range(4):
            ask_for(stack, one["id"], ["csv"])
    taken = snapshot(stack, others[0]["id"])
    data(stack.client, QUERY, most=2)
    with statements() as of_two:
        data(stack.client, QUERY, most=2)
    with statements() as of_fifty:
        found = data(stack.client, QUERY, most=50)["segments"]["items"]
    assert len(found) == 50
    assert len(of_fifty) <= len(of_two) <= 16, of_fifty
    assert [len(one["exports"]) for one in found[:12]] == [3] * 11 + [0]
    assert [one["lastExport"] and one["lastExport"]["id"] for one in found[:12]] == [
        one["exports"][0]["id"] if one["exports"] else None for one in found[:12]
    ]
    assert len(found[0]["usedBy"]) == 49
    assert [len(one["snapshots"]) for one in found[:3]] == [0, 1, 0]
    assert found[1]["snapshots"] == [{"id": taken.id}]
    assert {one["owner"]["name"] for one in found} == {"Admin"}
    assert all(one["versions"] == [{"version": 1, "createdBy": {"name": "Admin"}}] for one in found)


def test_the_newest_come_first_and_no_more_than_are_wanted(stack: Stack) -> None:
    made = [stack.segment(name) for name in ("a", "b")]
    asked = [ask_for(stack, one["id"], ["csv"]).json()["items"][0]["id"] for one in made * 3]
    for version in (1, 2):
        path = f"/api/v1/segments/{made[0]['id']}"
        assert stack.client.patch(path, json={"version": version, "name": f"a{version}"}).status_code == 200
    query = (
        '{ segments(first: 9, sort: "id") { items { one: exports(first: 1) { id } two: exports(first: 2) { id } '
        + ("versions(first: 2) { version } } } }")
    )
    first, second = data(stack.client, query)["segments"]["items"]
    assert [one["id"] for one in first["two"]] == [asked[4], asked[2]]
    assert [one["id"] for one in second["two"]] == [asked[5], asked[3]]
    assert (first["one"], second["one"]) == (first["two"][:1], second["two"][:1])
    assert [one["version"] for one in first["versions"]] == [3, 2]
    assert [one["version"] for one in second["versions"]] == [1]


def test_what_a_viewer_does_not_see_has_no_parts(stack: Stack) -> None:
    private, team = stack.segment("private"), stack.segment("team", visibility="team")
    ids = [private["id"], team["id"]]
    for id_ in ids:
        ask_for(stack, id_, ["csv"])
        snapshot(stack, id_)
    with closing(database_of(stack)) as database:
        viewer = person(database, USER, Role.USER).id
        stored = OfSegments(database)
        for read in (stored.exports, stored.snapshots, stored.versions):
            assert read(ids, 9, None).keys() == set(ids)
            assert read(ids, 9, viewer).keys() == {team["id"]}
