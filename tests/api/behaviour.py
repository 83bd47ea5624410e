"""The same calls over REST and over GraphQL: routes by their names, arguments and answers as REST spells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

import httpx
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLWrappingType,
    build_schema,
    get_named_type,
)
from pydantic.alias_generators import to_camel, to_snake

from segmentator_dagster.api.graphql.permissions import FIELDS
from segmentator_dagster.api.graphql.schema import SCHEMA
from segmentator_dagster.domain.access import Scope, Via
from segmentator_dagster.domain.audit import Event, Outcome
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.segment import Visibility
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.sessions import Sessions
from tests.api.people import person

SDL = build_schema(SCHEMA.as_str())
FIELD_OF_ROUTE = {route: name for name, route in reversed(FIELDS.items())}
_ENUMS: Mapping[str, Any] = {enum.__name__: enum for enum in (Event, Outcome, Scope, Via, Format, Role, Visibility)}
_OTHER_NAMES = {"limit": "first", "cursor": "after"}
_POINTERS = {"/first": "/limit", "/after": "/cursor"}


@dataclass
class RefusedError(Exception):
    """`problems` are codes and pointers; `extra` is what stands beside them."""

    problems: list[tuple[str, str]]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.problems[0][0]


class Api(Protocol):
    """`arguments` are those of the path and the query, `body` is the JSON; both by the names REST has."""

    def call(self, route: str, body: Any = None, **arguments: Any) -> Any: ...


class Rest:
    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        document = client.get("/api/v1/openapi.json").json()
        self._operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }

    def call(self, route: str, body: Any = None, **arguments: Any) -> Any:
        method, path, operation = self._operations[route]
        places = {one["name"]: one["in"] for one in operation.get("parameters", ())}
        url = path.format(**{name: value for name, value in arguments.items() if places.get(name) == "path"})
        query = {name: value for name, value in arguments.items() if places.get(name) == "query"}
        headers = {"Idempotency-Key": arguments["idempotency_key"]} if "idempotency_key" in arguments else {}
        answer = self._client.request(method, url, params=query, json=body, headers=headers)
        if answer.status_code == 307:
            return answer.headers["location"]
        if answer.status_code == 204:
            return True
        said = answer.json()
        if answer.is_error:
            raise _refusal(said)
        return said["items"] if said.keys() == {"items"} else said


class GraphQL:
    """Asks for everything that an answer can have."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def call(self, route: str, body: Any = None, **arguments: Any) -> Any:
        type_name, _, name = FIELD_OF_ROUTE[route].partition(".")
        root = SDL.get_type(type_name)
        assert isinstance(root, GraphQLObjectType)
        one = root.fields[name]
        given = _given(one, body, arguments)
        variables = "(" + ", ".join(f"${key}: {one.args[key].type}" for key in given) + ")" if given else ""
        passed = "(" + ", ".join(f"{key}: ${key}" for key in given) + ")" if given else ""
        query = f"{type_name.lower()}{variables} {{ {name}{passed} {selection_of(one.type)} }}"
        answer = self._client.post("/graphql", json={"query": query, "variables": given}).json()
        if "code" in answer:
            raise _refusal(answer)
        if answer.get("errors"):
            raise _refusal(answer["errors"][0]["extensions"])
        return _as_in_rest(answer["data"][name], one.type)


def session_of(database: Database, url: str, login: str, role: Role = Role.USER) -> httpx.Client:
    """A browser in which somebody is signed in."""
    sessions = Sessions(database, idle=timedelta(hours=1), longest=timedelta(hours=1))
    secret = sessions.start(person(database, login, role).id, "127.0.0.1", "tests")
    return httpx.Client(base_url=url, timeout=20, trust_env=False, headers={"Origin": url}, cookies={"sid": secret})


def selection_of(type_: Any, depth: int = 0) -> str:
    """Every field that takes no arguments, however deep."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    plain = {name: one for name, one in named.fields.items() if not one.args}
    return "{ " + " ".join(f"{name} {selection_of(one.type, depth + 1)}" for name, one in plain.items()) + " }"


def _given(one: GraphQLField, body: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a field out of those of a route."""
    named = {to_camel(_OTHER_NAMES.get(name, name)): value for name, value in arguments.items()}
    if "first" in one.args:
        named.setdefault("first", 50)
    for name, value in list(named.items()):
        if name.endswith("Id") and name not in one.args:
            named["id"] = value
    whole = next((name for name in ("input", "access", "file") if name in one.args), None)
    if body is None and whole != "input":
        whole = None
    if whole is not None:  # the values of a field are asked for by path and query
        named[whole] = (
            {"dataset" if key == "name" else key: value for key, value in arguments.items()} if body is None else body
        )
    elif isinstance(body, dict):
        named |= {to_camel(name): value for name, value in body.items()}
    return {name: _sent(value, one.args[name].type) for name, value in named.items() if name in one.args}


def _sent(value: Any, type_: Any) -> Any:
    named = get_named_type(type_)
    if isinstance(value, list) and _is_list(type_):
        return [_sent(one, named) for one in value]
    if isinstance(named, GraphQLEnumType) and value is not None:
        return _ENUMS[named.name](value).name
    if isinstance(named, GraphQLInputObjectType) and isinstance(value, dict):
        fields = {to_snake(name): (name, one) for name, one in named.fields.items()}
        return {
            fields.get(key, (key, None))[0]: _sent(inner, fields[key][1].type) if key in fields else inner
            for key, inner in value.items()
        }
    return value


def _as_in_rest(value: Any, type_: Any) -> Any:
    named = get_named_type(type_)
    if value is None:
        return None
    if isinstance(value, list) and _is_list(type_):
        return [_as_in_rest(one, named) for one in value]
    if isinstance(named, GraphQLEnumType):
        return _ENUMS[named.name][value].value
    if isinstance(named, GraphQLObjectType):
        return {to_snake(key): _as_in_rest(inner, named.fields[key].type) for key, inner in value.items()}
    return value


def _is_list(type_: Any) -> bool:
    while isinstance(type_, GraphQLWrappingType):
        if isinstance(type_, GraphQLList):
            return True
        type_ = type_.of_type
    return False


def _refusal(said: Mapping[str, Any]) -> RefusedError:
    known = ("code", "message", "pointer", "hint", "problems", "request_id")
    problems = [(one["code"], _POINTERS.get(one["pointer"], one["pointer"])) for one in said["problems"]]
    return RefusedError(problems, {key: value for key, value in said.items() if key not in known})
