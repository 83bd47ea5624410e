"""Dagster's execution context -> the Run that the exporter works for, and its failures -> Dagster's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from structlog.contextvars import bound_contextvars

from segmentator_dagster.domain.errors import Category, Problem, UserError
from segmentator_dagster.domain.export import ExportRequest, Format
from segmentator_dagster.domain.tags import REQUEST_TAG
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.exports.problems import UNEXPECTED, DuplicateRunError, ExportCancelledError
from segmentator_dagster.scrubbing import Scrubber

_RETRY_NUMBER_TAG = "dagster/retry_number"
_TRANSIENT_RETRIES = 3

AUDIENCE = dg.AssetKey("segment_audience")
FILES = {format_: dg.AssetKey(f"segment_{format_.value}") for format_ in Format}


def run_of(context: dg.AssetExecutionContext) -> Run:
    """What this run was launched for."""
    made = _made_by(context)
    return Run(
        run_id=context.run.run_id,
        parent_run_id=context.run.parent_run_id,
        automatic_retry=_RETRY_NUMBER_TAG in context.run.tags,
        request_id=context.run.tags.get(REQUEST_TAG),
        segment_id=int(context.partition_key),
        formats=tuple(format_ for format_, key in FILES.items() if key in made),
        takes_audience=AUDIENCE in made,
    )


def _made_by(context: dg.AssetExecutionContext) -> frozenset[dg.AssetKey]:
    """The assets this run makes; a rerun from failure makes only the steps that are left."""
    keys = context.run.asset_selection or context.job_def.asset_layer.executable_asset_keys
    steps = context.run.step_keys_to_execute
    return frozenset(key for key in keys if steps is None or key.to_python_identifier() in steps)


@contextmanager
def request_of(
    context: dg.AssetExecutionContext, exporter: Exporter, run: Run, scrubber: Scrubber
) -> Iterator[ExportRequest]:
    """The run's request; a failure inside the block is written to the exports this step is for, then raised.

    What may pass (a part of the system is down) is tried again in this run, a few times, before it counts as failure.
    Dagster keeps the text of a Failure and no more of it (`definitions`); what else there is to say is in our log.
    """
    request: ExportRequest | None = None
    try:
        request = exporter.begin(run)
        with bound_contextvars(request_id=request.id, segment_id=run.segment_id):
            yield request
    except DagsterExecutionInterruptedError:
        raise  # terminated: the endings sensor closes what is open
    except ExportCancelledError as error:
        raise dg.Failure(scrubber.text(f"Nothing was published: {error}."), allow_retries=False) from error
    except DuplicateRunError as error:
        raise dg.Failure("Another run works on this request.", allow_retries=False) from error
    except UserError as error:
        if error.category is Category.UNAVAILABLE and context.retry_number < _TRANSIENT_RETRIES:
            context.log.warning(scrubber.text(str(error)))
            raise dg.RetryRequested(_TRANSIENT_RETRIES, seconds_to_wait=2**context.retry_number) from error
        _fail(context, exporter, request, error.problems[0])
        raise dg.Failure(scrubber.text(str(error)), allow_retries=False) from error
    except Exception:
        _fail(context, exporter, request, UNEXPECTED.at())
        raise


def _fail(
    context: dg.AssetExecutionContext, exporter: Exporter, request: ExportRequest | None, problem: Problem
) -> None:
    """Fail the exports that cannot be made without this step: its own format, or all for the audience."""
    if request is not None:
        own = [e for e in request.exports if context.asset_key in (AUDIENCE, FILES[e.format])]
        exporter.fail(request, own, problem)
