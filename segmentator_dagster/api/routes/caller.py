"""A request -> what every route needs of it: the use cases, who asks and in which language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from segmentator_dagster.api.languages import default_language, named_language
from segmentator_dagster.api.services import Services
from segmentator_dagster.domain.access import NOT_SIGNED_IN, Actor
from segmentator_dagster.domain.errors import Language


@dataclass(frozen=True, slots=True)
class Calling:
    """Who asks, and how the answer shall speak. `dagster_url` is None for those who may not open Dagster."""

    actor: Actor
    language: Language
    dagster_url: str | None


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _language(
    request: Request,
    accept_language: Annotated[
        str, Header(description="`ru` or `en`: language of messages; neither: that of the settings")
    ] = "",
) -> Language:
    return named_language(accept_language) or await default_language(request.scope)


UseCases = Annotated[Services, Depends(_services)]
CallerLanguage = Annotated[Language, Depends(_language)]


async def _caller(request: Request, use: UseCases, language: CallerLanguage) -> Calling:
    actor: Actor | None = request.state.actor
    if actor is None:
        raise NOT_SIGNED_IN.error()
    return Calling(actor, language, use.dagster_for(actor))


Caller = Annotated[Calling, Depends(_caller)]
