"""A segment whose schedule has come -> a request to be run, or one that says why it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from segmentator_dagster.domain.access import SYSTEM
from segmentator_dagster.domain.audit import Event, Outcome, Thing, request_entry
from segmentator_dagster.domain.errors import Category, Problem, UserError
from segmentator_dagster.domain.export import ExportError, ExportRequest
from segmentator_dagster.exports.requesters import Requesters
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import DueSegment


@dataclass(frozen=True, slots=True)
class DueExports:
    database: Database
    exports: Exports
    attempts: Attempts
    requesters: Requesters
    audit: Audit

    def request(self, due: DueSegment, moment: datetime) -> ExportRequest | None:
        """The request of a due schedule, which moves on; None where another tick took it.

        The exports of an owner who may not have them have failed already. One transaction with the entry of the log.
        """
        with self.database.writing():
            request = self.exports.request_due(due, moment)
            if request is None:
                return None
            problem = self._refusal(request)
            if problem is not None:
                for export in request.exports:
                    self.attempts.fail(export.id, request.attempt, ExportError.of(problem))
            self.audit.write(
                SYSTEM,
                Event.EXPORT_REQUEST,
                Thing("segment", str(due.segment.id), due.segment.definition.name),
                Outcome.DONE if problem is None else Outcome.REFUSED,
                after={
                    **request_entry(request),
                    "due_at": due.due_at.isoformat(),
                    "for": request.requested_by_id,
                    **({} if problem is None else {"reason": problem.code}),
                },
            )
            return self.exports.of_request(request.id)

    def _refusal(self, request: ExportRequest) -> Problem | None:
        try:
            self.requesters.access(request)
        except UserError as error:
            if error.category is not Category.FORBIDDEN:
                raise
            return error.problems[0]
        return None
