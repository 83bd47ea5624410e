"""Who asked for an export -> what of the data its files may show."""

from __future__ import annotations

from dataclasses import dataclass

from segmentator_dagster.domain.access import EXPORT_NOT_ALLOWED
from segmentator_dagster.domain.data_access import UNLIMITED, DataAccess, access_of
from segmentator_dagster.domain.export import ExportRequest, Trigger
from segmentator_dagster.exports.problems import OWNER_BLOCKED
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.people import People


@dataclass(frozen=True, slots=True)
class Requesters:
    people: People
    installation: Installation

    def access(self, request: ExportRequest) -> DataAccess:
        """As it is at this moment; the installation itself, nobody, sees everything.

        UserError owner_blocked, export_not_allowed. What somebody asked for before they were blocked is made all the
        same, what a schedule of theirs asks for is not. Nothing is made for a deleted account: what limited it went
        with it.
        """
        if request.requested_by_id is None:
            return UNLIMITED
        person = self.people.get(request.requested_by_id)
        if person.deleted_at is not None or (person.blocked_at is not None and request.trigger is Trigger.SCHEDULE):
            raise OWNER_BLOCKED.error()
        access = access_of(person.role, self.installation.access(), self.people.access(person.id))
        if not access.may_export:
            raise EXPORT_NOT_ALLOWED.error()
        return access
