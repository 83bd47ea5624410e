"""Files past their day and leftovers of attempts that died -> nothing, a small batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from segmentator_dagster.assets.run import FILES
from segmentator_dagster.domain.errors import Category, UserError
from segmentator_dagster.exports.retention import Retention
from segmentator_dagster.storage.metadata.database import now


@dg.sensor(
    name="retention_sensor",
    target=dg.AssetSelection.assets(*FILES.values()),
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Deletes the files of expired exports, and what attempts that died left in the stores.",
)
def retention_sensor(context: dg.SensorEvaluationContext, retention: dg.ResourceParam[Retention]) -> dg.SkipReason:
    moment = now()

    def leftovers() -> int:
        removed, reached = retention.remove_leftovers(moment, context.cursor or "")
        context.update_cursor(reached)
        return removed

    steps: dict[str, Callable[[], int]] = {
        "expired exports": lambda: retention.expire(moment),
        "leftover objects": leftovers,
        "unfinished uploads": lambda: retention.abort_uploads(moment),
        "extracts": retention.drop_extracts,
    }
    done = [f"{name}: {_removed(context, name, step)}" for name, step in steps.items()]
    context.log.info("removed %s", ", ".join(done))
    return dg.SkipReason(f"Removed {', '.join(done)}.")


def _removed(context: dg.SensorEvaluationContext, name: str, step: Callable[[], int]) -> str:
    """How many, or why none: a store that is down keeps the others from nothing."""
    try:
        return str(step())
    except UserError as error:
        if error.category is not Category.UNAVAILABLE:
            raise
        context.log.warning("%s were not looked for: %s", name, error)
        return error.code
