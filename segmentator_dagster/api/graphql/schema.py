"""All fields -> the one schema, closed by the table of permissions."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from segmentator_dagster.api.graphql.exports import ExportMutations, ExportQueries, Subscription
from segmentator_dagster.api.graphql.installation import InstallationMutations, InstallationQueries
from segmentator_dagster.api.graphql.lists import ListMutations, ListQueries
from segmentator_dagster.api.graphql.me import OwnMutations, OwnQueries
from segmentator_dagster.api.graphql.people import PeopleMutations, PeopleQueries
from segmentator_dagster.api.graphql.permissions import close
from segmentator_dagster.api.graphql.questions import DataQueries
from segmentator_dagster.api.graphql.scalars import SCALARS
from segmentator_dagster.api.graphql.segments import SegmentMutations, SegmentQueries
from segmentator_dagster.api.graphql.types import outputs


class _Parsed(SchemaExtension):
    """The document that was measured is the one that is executed."""

    def on_parse(self) -> Iterator[None]:
        self.execution_context.graphql_document = self.execution_context.context.document
        yield


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """`errors.answered` logs what is ours to look at."""


def _built() -> strawberry.Schema:
    query = merge_types(
        "Query",
        (OwnQueries, SegmentQueries, ExportQueries, DataQueries, ListQueries, PeopleQueries, InstallationQueries),
    )
    mutation = merge_types(
        "Mutation",
        (OwnMutations, SegmentMutations, ExportMutations, ListMutations, PeopleMutations, InstallationMutations),
    )
    close((query, mutation, Subscription, *outputs()))
    return _Schema(
        query=query,
        mutation=mutation,
        subscription=Subscription,
        extensions=[_Parsed],
        config=StrawberryConfig(scalar_map=dict(SCALARS)),
    )


SCHEMA = _built()
