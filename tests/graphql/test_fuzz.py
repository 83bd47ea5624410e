"""Generated queries and mutations, of every field, right and wrong: an answer or a refusal, never a fault of ours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, closing

import httpx
import pytest
from graphql import GraphQLObjectType, StringValueNode, ValueNode, ast_from_value
from graphql.language import ast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, nodes
from hypothesis_graphql import strategies as gql

from segmentator_dagster.domain.people import Role
from tests.api.behaviour import SDL, session_of
from tests.api.conftest import RULE, Stack, running_stack
from tests.graphql.conftest import database_of
from tests.servers.clickhouse import ClickHouseServer
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
