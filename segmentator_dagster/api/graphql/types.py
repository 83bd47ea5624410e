"""The models of REST bodies and answers -> GraphQL types of the same fields, so that both skins say the same."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import strawberry
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from segmentator_dagster.api.graphql.scalars import Json, Long
from segmentator_dagster.api.schemas import audit, export_options, operators, sharing
from segmentator_dagster.api.validation import problems_of
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions
from segmentator_dagster.domain.installation import InstallationSettings

Model = TypeVar("Model", bound=BaseModel)

_NAMES: Mapping[type[BaseModel], str] = {
    sharing.NamedOut: "NamedPerson",
    export_options.NamedOut: "NamedChoice",
    operators.LimitsOut: "RuleLimits",
    audit.EntryOut: "AuditEntry",
    audit.ActorOut: "AuditActor",
    audit.ObjectOut: "AuditObject",
}
# Said key by key, where a key that is missing means something else than null: no object type could tell.
_AS_JSON = (ExportOptions, CsvOptions, AccessLayer, InstallationSettings)
_LONG_IDS = (audit.EntryOut,)
_SMALL = frozenset({"id", "segment_id", "owner_id", "version", "days", "limit"})
"""Whole numbers of 32 bits, GraphQL's Int; every other one may be larger."""

_outputs: dict[type[BaseModel], type] = {}
_inputs: dict[type[BaseModel], type] = {}
_enums: dict[type[Enum], type[Enum]] = {}


def output(model: type[BaseModel]) -> Any:
    """The object type of an answer. Instances of the model are its values."""
    return _outputs[model] if model in _outputs else extended(model)


def extended(model: type[BaseModel], **fields: Any) -> Any:
    """The same with fields of GraphQL's own; to be called before anything else asks for it."""
    if model in _outputs:
        raise InternalError(f"{model.__name__} has its GraphQL type already")
    shown = {name: (_type(model, name, output), _field(one)) for name, one in model.model_fields.items()}
    made = type(_name(model, "Out", ""), (), {"__annotations__": {name: type_ for name, (type_, _) in shown.items()}})
    for name, (_, field) in shown.items():
        setattr(made, name, field)
    for name, field in fields.items():
        setattr(made, name, field)
    _outputs[model] = strawberry.type(made, description=_description(model))
    return _outputs[model]


def input_of(model: type[BaseModel]) -> Any:
    """The input type of a body; `read` makes the model of its values."""
    if model not in _inputs:
        fields = model.model_fields
        annotations = {
            name: _type(model, name, input_of) if one.is_required() else _type(model, name, input_of) | None
            for name, one in fields.items()
        }
        made = type(_name(model, "In", "Input"), (), {"__annotations__": annotations})
        for name, one in fields.items():
            setattr(made, name, _field(one) if one.is_required() else _field(one, default=strawberry.UNSET))
        _inputs[model] = strawberry.input(made, description=_description(model))
    return _inputs[model]


def enum(values: type[Enum]) -> Any:
    """The enum type of a domain's own; its values are the names in capitals."""
    if values not in _enums:
        _enums[values] = strawberry.enum(values)
    return _enums[values]


def read(model: type[Model], given: object) -> Model:
    """The model of input values, or of plain JSON; UserError with the problems and pointers REST would name."""
    try:
        return model.model_validate(_plain(given))
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise UserError(*problems_of([{**one, "loc": ("body", *one["loc"])} for one in found], "")) from error


def result_of(annotation: Any) -> Any:
    """The type of what a resolver gives: models, enums and plain values, also in lists."""
    return _converted(annotation, output, small=False)


def argument_of(model: type[BaseModel]) -> Any:
    """The type of an argument that is a body."""
    return _converted(model, input_of, small=False)


def outputs() -> tuple[type, ...]:
    """Every object type there is so far but the roots."""
    return tuple(_outputs.values())


def _plain(given: object) -> Any:
    """What was said, by the keys of the JSON body."""
    model = next((model for model, type_ in _inputs.items() if isinstance(given, type_)), None)
    if model is not None:
        said = {name: value for name in model.model_fields if (value := getattr(given, name)) is not strawberry.UNSET}
        return {model.model_fields[name].alias or name: _plain(value) for name, value in said.items()}
    return [_plain(one) for one in given] if isinstance(given, list) else given


def _name(model: type[BaseModel], suffix: str, other: str) -> str:
    return _NAMES.get(model) or model.__name__.removesuffix(suffix) + other


def _description(model: type[BaseModel]) -> str | None:
    return None if model.__doc__ is None or model.__doc__ == BaseModel.__doc__ else model.__doc__


def _field(field: FieldInfo, **more: Any) -> Any:
    return strawberry.field(name=field.alias, description=field.description, **more)


def _type(model: type[BaseModel], name: str, nested: Callable[[type[BaseModel]], Any]) -> Any:
    small = name in _SMALL and model not in _LONG_IDS
    return _converted(model.model_fields[name].annotation, nested, small=small)


def _converted(annotation: Any, nested: Callable[[type[BaseModel]], Any], *, small: bool) -> Any:
    """A type hint of a model -> the type hint that Strawberry reads."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _converted(arguments[0], nested, small=small)
    if origin in (Union, types.UnionType):
        one, *others = (argument for argument in arguments if argument is not type(None))
        return Json if others else _converted(one, nested, small=small) | None
    if origin in (list, tuple):
        return list[_converted(arguments[0], nested, small=small)]  # type: ignore[misc]
    if origin is Literal:
        return str
    if annotation is Any:
        return Json | None if nested is output else Json
    if annotation in (str, bool, float, datetime):
        return annotation
    if annotation is int:
        return int if small else Long
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return enum(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in _AS_JSON:
        return nested(annotation)
    return Json
