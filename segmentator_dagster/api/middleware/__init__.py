"""What stands around every request, from the outside in: identity, origin, body, HEAD."""

from segmentator_dagster.api.middleware.around import Around
from segmentator_dagster.api.middleware.bodies import MAX_BODY_BYTES, StrictBody
from segmentator_dagster.api.middleware.head import HeadAsGet
from segmentator_dagster.api.middleware.refusal import refuse
from segmentator_dagster.api.middleware.same_site import SameSite

__all__ = ["MAX_BODY_BYTES", "Around", "HeadAsGet", "SameSite", "StrictBody", "refuse"]
