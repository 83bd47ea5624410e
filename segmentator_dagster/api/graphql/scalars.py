"""Values that GraphQL has no type for <-> JSON, written as in REST."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
from pydantic import TypeAdapter
from strawberry.types.scalar import ScalarDefinition

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions
from segmentator_dagster.domain.installation import InstallationSettings

Json = NewType("Json", object)
Long = NewType("Long", int)

_MOMENT = TypeAdapter(datetime)


def _json(value: object) -> Any:
    if isinstance(value, ExportOptions | CsvOptions | AccessLayer | InstallationSettings):
        return value.as_json()
    return value


def _long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise ValueError("a whole number of 64 bits is expected")
    return value


def _moment(text: object) -> datetime:
    if not isinstance(text, str):
        raise ValueError("a moment is a text such as 2026-01-31T10:00:00Z")
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


SCALARS: Mapping[object, ScalarDefinition] = {
    Json: strawberry.scalar(
        name="JSON",
        description="Any JSON value: rules, export options, access to data, manifests, values of fields. "
        "Their shapes are those of REST, described in `/api/v1/openapi.json`.",
        serialize=_json,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 64 bits, as a JSON number.",
        serialize=_long,
        parse_value=_long,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601, in UTC where no offset is given.",
        serialize=lambda moment: _MOMENT.dump_python(moment, mode="json"),
        parse_value=_moment,
    ),
}
