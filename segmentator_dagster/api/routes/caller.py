"""A request -> what every route needs of it: the use cases and the caller's language."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from segmentator_dagster.api.errors import preferred_language
from segmentator_dagster.api.services import Services
from segmentator_dagster.domain.errors import Language


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _language(
    accept_language: Annotated[str, Header(description="`ru` (default) or `en`: language of messages")] = "",
) -> Language:
    return preferred_language(accept_language)


UseCases = Annotated[Services, Depends(_services)]
CallerLanguage = Annotated[Language, Depends(_language)]
