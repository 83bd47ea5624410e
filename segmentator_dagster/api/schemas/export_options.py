"""Export options as JSON: as they are said, without what they do not say, and all there is to choose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from segmentator_dagster.api.option_texts import FORMATS, LABELS, VALUES, Text
from segmentator_dagster.api.schemas.texts import TextOut
from segmentator_dagster.domain.export_options import (
    PROFILES,
    CsvOptions,
    ExportOptions,
    Profile,
    SplitOptions,
    resolved,
)

EXAMPLE_LAYER: dict[str, Any] = ExportOptions(
    csv=CsvOptions(profile=Profile.EXCEL_RU), split=SplitOptions(rows=100_000)
).as_json()
EXAMPLE_RESOLVED: dict[str, Any] = resolved(ExportOptions(csv=CsvOptions(profile=Profile.EXCEL_RU))).as_json()

Said = Annotated[ExportOptions, PlainSerializer(lambda options: options.as_json())]
Layer = Annotated[
    Said | None, Field(description="how the files shall look; what is not said is left to the layer below")
]
Resolved = Annotated[Said, Field(description="how the files look, everything said")]


class NamedOut(BaseModel):
    value: str
    label: TextOut


class ProfileOut(NamedOut):
    csv: Annotated[CsvOptions, PlainSerializer(lambda options: options.as_json())]


class OptionOut(BaseModel):
    key: str = Field(description="place in `export`: `csv.delimiter` is the key `delimiter` of the object `csv`")
    label: TextOut
    type: str = Field(description="boolean, integer, or string")
    values: list[NamedOut] | None = Field(description="all there are; null: any of the type")
    minimum: int | None
    maximum: int | None


class ExportChoicesOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.update(
            examples=[ExportChoicesOut.of(resolved()).model_dump(mode="json")]
        )
    )

    formats: list[NamedOut]
    profiles: list[ProfileOut] = Field(description="what each CSV profile stands for")
    defaults: Resolved
    options: list[OptionOut]

    @classmethod
    def of(cls, defaults: ExportOptions) -> Self:
        return cls(
            formats=[NamedOut(value=format_.value, label=_text(text)) for format_, text in FORMATS.items()],
            profiles=[
                ProfileOut(value=profile.value, label=_text(VALUES["csv.profile"][profile]), csv=options)
                for profile, options in PROFILES.items()
            ],
            defaults=defaults,
            options=list(_options()),
        )


def _options() -> Iterator[OptionOut]:
    """Every option of the model, however deep."""
    schema = ExportOptions.model_json_schema()
    yield from _below(schema, schema["$defs"], "")


def _below(schema: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str) -> Iterator[OptionOut]:
    for name, property_ in schema["properties"].items():
        key, said = prefix + name, property_["anyOf"][0]  # or null
        if "$ref" in said:
            said = definitions[said["$ref"].rsplit("/", 1)[1]]
        if said["type"] == "object":
            yield from _below(said, definitions, f"{key}.")
        else:
            values = [NamedOut(value=one, label=_text(VALUES[key][one])) for one in said.get("enum", ())]
            yield OptionOut(
                key=key,
                label=_text(LABELS[key]),
                type=said["type"],
                values=values or None,
                minimum=said.get("minimum"),
                maximum=said.get("maximum"),
            )


def _text(text: Text) -> TextOut:
    return TextOut(ru=text[0], en=text[1])
