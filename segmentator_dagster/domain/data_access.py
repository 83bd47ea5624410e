"""What everybody may see of the data, and over it what a person may -> a narrower catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Strict
from pydantic import Field as JsonField

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Category, Problem, ProblemKind, pointer_to
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, UNKNOWN_FIELD, shown, suggestion

MASK_NOT_TEXT = ProblemKind(
    "mask_not_text",
    Category.INVALID,
    en="Only text fields can be masked; “{name}” is of type {type}.",
    ru="Маскировать можно только текстовые поля; «{name}» имеет тип {type}.",
    hint_en="Hide it instead.",
    hint_ru="Скройте его.",
)
USER_KEY_STAYS = ProblemKind(
    "user_key_stays",
    Category.INVALID,
    en="“{name}” is the user id of this dataset: segments are made of it, so it stays visible.",
    ru="«{name}» — идентификатор пользователя в этих данных: из него состоят сегменты, поэтому он остаётся видимым.",
)


EXAMPLE_ACCESS: dict[str, Any] = {
    "datasets": {"*": True, "payments": False},
    "fields": {"crm": {"email": "masked", "birthday": "hidden"}},
    "sensitive": "masked",
    "may_export": True,
    "max_rows": 100_000,
}


class Shown(StrEnum):
    """How somebody sees a field."""

    SHOWN = "shown"
    MASKED = "masked"  # as its mask: a***@mail.ru; not to be asked about
    HIDDEN = "hidden"  # not there


class AccessLayer(BaseModel):
    """JSON of one layer; a key that is missing or null says nothing. Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [EXAMPLE_ACCESS]})

    datasets: Mapping[str, Annotated[bool, Strict()]] | None = JsonField(
        None, description="by name of a dataset whether it is there; `*` is every other one", max_length=1000
    )
    fields: Mapping[str, Mapping[str, Shown]] | None = JsonField(
        None, description="by dataset and field `shown`, `masked` or `hidden`", max_length=1000
    )
    sensitive: Shown | None = JsonField(None, description="for fields that are marked sensitive and not named")
    may_export: Annotated[bool, Strict()] | None = None
    max_rows: Annotated[int, Strict(), JsonField(ge=1, le=10**12)] | Literal["unlimited"] | None = JsonField(
        None, description="most rows of an export, all its files together; one with more is refused"
    )

    def as_json(self) -> dict[str, Any]:
        """What is said and no more."""
        return self.model_dump(mode="json", exclude_none=True)

    def over(self, below: Self) -> Self:
        """What this layer says over the one below, key by key."""
        fields = {name: {**(below.fields or {}).get(name, {}), **named} for name, named in (self.fields or {}).items()}
        made = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        made["datasets"] = {**(below.datasets or {}), **(self.datasets or {})}
        made["fields"] = {**(below.fields or {}), **fields}
        return below.model_copy(update=made)


@dataclass(frozen=True, slots=True)
class DataAccess:
    """What one person may see. `max_rows` None: of any length."""

    datasets: Mapping[str, bool] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Shown]] = field(default_factory=dict)
    sensitive: Shown = Shown.SHOWN
    may_export: bool = True
    max_rows: int | None = None

    @classmethod
    def of(cls, everybody: AccessLayer, own: AccessLayer) -> DataAccess:
        both = own.over(everybody)
        return cls(
            both.datasets or {},
            both.fields or {},
            both.sensitive or Shown.SHOWN,
            both.may_export is not False,
            both.max_rows if isinstance(both.max_rows, int) else None,
        )

    def has(self, dataset: str) -> bool:
        return self.datasets.get(dataset, self.datasets.get("*", True))

    def shows(self, dataset: str, one: Field) -> Shown:
        """How a field that is no user key is seen; what cannot be masked is hidden instead."""
        said = self.fields.get(dataset, {}).get(one.name) or (self.sensitive if one.sensitive else Shown.SHOWN)
        return Shown.HIDDEN if said is Shown.MASKED and one.type is not FieldType.TEXT else said

    def surely_shows(self, dataset: str, name: str) -> bool:
        """Whether they see the values of a field of which nothing but its name is known."""
        return self.has(dataset) and (self.fields.get(dataset, {}).get(name) or self.sensitive) is Shown.SHOWN

    @property
    def whole(self) -> bool:
        """Whether nothing of the data is kept back."""
        closed = not all(self.datasets.values()) or self.sensitive is not Shown.SHOWN
        return not closed and all(one is Shown.SHOWN for named in self.fields.values() for one in named.values())


UNLIMITED = DataAccess()


def access_of(role: Role, everybody: AccessLayer, own: AccessLayer) -> DataAccess:
    """What somebody may see: administrators everything, others what the layers say."""
    return UNLIMITED if role is Role.ADMINISTRATOR else DataAccess.of(everybody, own)


def narrowed(catalogue: Catalogue, access: DataAccess) -> Catalogue:
    """The catalogue as somebody with this access sees it."""
    if access.whole:
        return catalogue
    return Catalogue(
        {name: narrowed_dataset(one, access) for name, one in catalogue.datasets.items() if access.has(name)}
    )


def narrowed_dataset(dataset: Dataset, access: DataAccess) -> Dataset:
    """A dataset they have, without what they may not see of it; the user key, which segments are made of, stays."""
    seen = [
        (one, Shown.SHOWN if one.name == dataset.user_key else access.shows(dataset.name, one))
        for one in dataset.fields
    ]
    return replace(
        dataset,
        fields=tuple(replace(one, masked=how is Shown.MASKED) for one, how in seen if how is not Shown.HIDDEN),
        hidden=tuple(one for one, how in seen if how is Shown.HIDDEN),
    )


def access_problems(layer: AccessLayer, catalogue: Catalogue) -> Iterator[Problem]:
    """Names that are not there, and what cannot be masked or hidden; pointers into the layer."""
    for name in layer.datasets or {}:
        if name != "*" and catalogue.dataset(name) is None:
            yield _unknown_dataset(name, catalogue, pointer_to("/datasets", name))
    for name, fields in (layer.fields or {}).items():
        dataset = catalogue.dataset(name)
        if dataset is None:
            yield _unknown_dataset(name, catalogue, pointer_to("/fields", name))
            continue
        for field_name, how in fields.items():
            at, known = pointer_to("/fields", name, field_name), dataset.field(field_name)
            if known is None:
                near = suggestion(field_name, (one.name for one in dataset.fields))
                yield UNKNOWN_FIELD.at(at, dataset=shown(name), name=shown(field_name), **near)
            elif field_name == dataset.user_key and how is not Shown.SHOWN:
                yield USER_KEY_STAYS.at(at, name=shown(field_name))
            elif how is Shown.MASKED and known.type is not FieldType.TEXT:
                yield MASK_NOT_TEXT.at(at, name=shown(field_name), type=known.type.value)


def _unknown_dataset(name: str, catalogue: Catalogue, pointer: str) -> Problem:
    return UNKNOWN_DATASET.at(pointer, name=shown(name), **suggestion(name, catalogue.datasets))
