"""Requirement 28: what asks for too much is refused before it is looked at, in a time that does not grow with it."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from graphql import get_introspection_query

from segmentator_dagster.api.graphql.cost import document_of
from segmentator_dagster.api.graphql.schema import SCHEMA
from segmentator_dagster.domain.errors import Category, UserError
from tests.api.conftest import Stack
from tests.graphql.conftest import code, data


def doubling(count: int, inner: str = "me { id }") -> str:
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(count))
    return f"{{ ...F0 }} {chain} fragment F{count} on Query {{ {inner} }}"


def nested(depth: int) -> str:
    return "{ __schema { types " + "{ ofType " * (depth - 3) + "{ name }" + " }" * (depth - 3) + " } }"


def refusal(text: str, **variables: object) -> str:
    with pytest.raises(UserError) as caught:
        document_of(text, variables)
    assert caught.value.category is Category.MALFORMED
    return caught.value.code


def test_28_forty_fragments_that_double_are_refused_within_fifty_milliseconds() -> None:
    text = doubling(40)
    assert len(text) < 2000
    best = min(_seconds(lambda: refusal(text)) for _ in range(5))
    assert refusal(text) == "query_too_costly"
    assert best < 0.05


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


ALIASES = "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(1000)) + " }"
COSTLY = {
    "aliases": ALIASES,
    "fields": "{ me { " + " ".join(f"a{n}: id" for n in range(1001)) + " } }",
    "fields of fragments": "{ me { "
    + "...F " * 100
    + "} } fragment F on Me { "
    + " ".join(f"a{n}: id" for n in range(11))
    + " }",
    "depth": nested(16),
    "depth of fragments": "{ ...A } "
    + "fragment A on Query { __schema { types { ...B } } } "
    + "fragment B on __Type "
    + "{ ofType " * 14
    + "{ name }"
    + " }" * 14,
    "endless depth": "{ a " * 2000,
    "endless lists": "{ count(input: {rule: " + "[" * 2500 + "]" * 2500 + "}) { count } }",
    "fragments in themselves": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "lists": "{ segments(first: 200) { items { "
    + " ".join(f"a{n}: name" for n in range(20))
    + " exports(first: 200) { id } } } }",
    "entries": "{ " + " ".join(f"a{n}: segment(id: {n}) {{ id }}" for n in range(499)) + " }",
    "questions": "{ " + " ".join(f'a{n}: count(input: {{rule: "{n}"}}) {{ count }}' for n in range(20)) + " }",
    "questions of fragments": "{ ...F } fragment F on Query { "
    + " ".join(f'a{n}: count(input: {{rule: "{n}"}}) {{ count }}' for n in range(20))
    + " }",
    "one field again and again": "{ " + "me { id } " * 80 + "}",
    "one field in many fragments": "{ me { "
    + " ".join(f"...F{n}" for n in range(15))
    + " } } "
    + " ".join(f"fragment F{n} on Me {{ {'id ' * 10}}}" for n in range(15)),
    "characters": "{ me { id } }" + " " * 20_000,
    "words": "{ me(" + "a: 1 " * 2500 + ") { id } }",
}


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY.keys())
def test_28_what_asks_for_too_much_is_refused(text: str) -> None:
    assert refusal(text) == "query_too_costly"


def test_lists_multiply_what_is_in_them_by_a_variable_too() -> None:
    fields = " ".join(f"a{n}: name" for n in range(60))
    text = f"query ($most: Int = 10) {{ segments(first: $most) {{ items {{ {fields} }} }} }}"
    document_of(text, {})
    document_of(text, {"most": 100})
    for most in (200, 200.0):
        assert refusal(text, most=most) == "query_too_costly"
    document_of(text, {"most": 10**9})  # its field refuses that


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "graphql_syntax"),
        ("{", "graphql_syntax"),
        ("{ me { id } } { me { name } }", "one_operation"),
        ("query A { me { id } } mutation B { endSessions }", "one_operation"),
        ("fragment A on Query { me { id } }", "one_operation"),
        ('{ dataset(name: "a\\u0000b") { name } }', "bad_text"),
        ('{ count(input: {rule: {a: ["""x\\u0000"""]}}) { count } }', None),
        ("{ count(input: {rule: 1e999}) { count } }", "number_not_json"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, expected: str | None) -> None:
    if expected is None:
        document_of(text, {})  # in a block a backslash is a backslash
        return
    with pytest.raises(UserError) as caught:
        document_of(text, {})
    assert caught.value.code == expected


USEFUL = {
    "introspection": get_introspection_query(),
    "all of introspection": get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    ),
    "fifty segments": "{ segments(first: 50) { items { id name owner { name } lastExport { id status rows } "
    "usedBy { id name } exports(first: 3) { id status } versions(first: 3) { version } } nextCursor } }",
    "two hundred": "{ segments(first: 200) { items { id name description tags version updatedAt } } }",
    "fragments": "{ a: segment(id: 1) { ...F } b: segment(id: 2) { ...F } } fragment F on Segment { id name }",
}


@pytest.mark.parametrize("text", USEFUL.values(), ids=USEFUL.keys())
def test_what_people_ask_for_is_allowed(text: str) -> None:
    document_of(text, {})


def test_28_too_much_is_refused_in_one_error_body(online: Stack, browser: Callable[..., httpx.Client]) -> None:
    client = browser(online)
    for text in (doubling(40), ALIASES, "{ a " * 2000, nested(50)):
        answer = client.post("/graphql", json={"query": text})
        assert code(answer) == (400, "query_too_costly")
        assert answer.json().keys() >= {"code", "message", "pointer", "hint", "problems", "request_id"}


def test_the_schema_can_be_asked_for_and_has_no_endless_answers(
    online: Stack, browser: Callable[..., httpx.Client]
) -> None:
    client = browser(online)
    types = data(client, get_introspection_query())["__schema"]["types"]
    assert {one["name"] for one in types} >= {"Segment", "SegmentInput", "Export"}
    loops = "{ __schema { types " + "{ fields { type " * 3 + "{ name }" + " } }" * 3 + " } }"
    assert code(client.post("/graphql", json={"query": loops})) == (400, "graphql_invalid")
    assert "Segment" in SCHEMA.as_str()
