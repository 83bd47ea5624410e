"""A function over models of REST -> a field over the GraphQL types of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, get_type_hints

import strawberry
from pydantic import BaseModel

from segmentator_dagster.api.graphql.types import argument_of, read, result_of

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])


def field(description: str) -> Callable[[Resolver], Any]:
    """A field whose type is that of the model the function gives, and whose arguments that are models come in checked.

    UserError where one does not fit its model. A field that is refused is null, those beside it are not.
    """

    def made(resolver: Resolver) -> Any:
        hints = get_type_hints(resolver, include_extras=True)
        result = hints.pop("return")
        bodies = {name: hint for name, hint in hints.items() if inspect.isclass(hint) and issubclass(hint, BaseModel)}
        signature = inspect.signature(resolver)
        arguments = [
            one.replace(annotation=argument_of(bodies[name]) if name in bodies else hints.get(name, one.annotation))
            for name, one in signature.parameters.items()
        ]

        @functools.wraps(resolver)
        async def checked(*given: Any, **named: Any) -> Any:
            models = {name: read(model, named[name]) for name, model in bodies.items()}
            return await resolver(*given, **{**named, **models})

        vars(checked)["__signature__"] = signature.replace(parameters=arguments, return_annotation=Any)
        checked.__annotations__ = {one.name: one.annotation for one in arguments}
        return strawberry.field(checked, graphql_type=result_of(result) | None, description=description)

    return made
