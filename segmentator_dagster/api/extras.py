"""What a refusal brings beside its problems -> JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segmentator_dagster.api.schemas.segments import SegmentOut
from segmentator_dagster.api.segments import SegmentView
from segmentator_dagster.domain.errors import Language


def shown_extra(extra: Mapping[str, object], language: Language, dagster_url: str | None) -> dict[str, Any]:
    """Segments as the API shows them, everything else as it is."""
    return {
        key: SegmentOut.of(value, language, dagster_url).model_dump(mode="json")
        if isinstance(value, SegmentView)
        else value
        for key, value in extra.items()
    }
