"""Rows of a source + preset -> CSV of CRM data for Yandex Audience: a line for each user who can be reached.

The rules of yandex.com/support/audience/en/file: UTF-8, the first line names the fields, an entry has a phone or an
e-mail, at least 100 entries, at most 1 GB. Users who share a contact keep a line each.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from segmentator_dagster.domain.export_options import AudiencePreset
from segmentator_dagster.exports.csv import contacts
from segmentator_dagster.exports.csv.lines import LINE_ENDS, Lines
from segmentator_dagster.exports.csv.text_scan import scanned
from segmentator_dagster.exports.problems import AUDIENCE_FILE_TOO_LARGE, AUDIENCE_TOO_SMALL
from segmentator_dagster.exports.source import Replacement, Source
from segmentator_dagster.exports.text_sql import invalid_text, quoted, text_of
from segmentator_dagster.storage.clickhouse import ClickHouse

FEWEST_ENTRIES = 100
MOST_BYTES = 1_000_000_000
_REASONS = ("no_contact", "bad_email", "bad_phone")


class AudienceFile:
    """A Renderer. The preset names an e-mail or a phone field, or both, of the source.

    Known after `check`: `skipped`, the users without a line by reason (rows + skipped = rows of the source), and
    `left_out`, the contacts that are missing in the lines of the others. A user whose e-mail and phone are both
    malformed counts as bad_email.
    """

    def __init__(self, source: Source, preset: AudiencePreset, *, most_bytes: int = MOST_BYTES) -> None:
        self._source = source
        self._most_bytes = most_bytes
        self._email, self._phone = _column(source, preset.email), _column(source, preset.phone)
        written = contacts.hashed if preset.hashed else str
        values = {}
        if preset.external_id:
            text = text_of("c0")
            values["external_id"] = rf"if(match({text}, '[\",\r\n]'), {quoted(text, chr(34))}, {text})"
        if self._phone:
            values["phone"] = written(contacts.phone(self._phone))
        if self._email:
            values["email"] = written(contacts.email(self._email))
        self._has_id = bool(preset.external_id)
        self._header = ",".join(values)
        self._expressions = list(values.values())
        part = f"({source.condition}) AND ({self._usable()})" if source.condition else self._usable()
        self._reached = replace(source, condition=part)
        self._lines: Lines | None = None
        self.skipped: Mapping[str, int] = {}
        self.left_out: Mapping[str, int] = {}

    @property
    def rows(self) -> int:
        return self._lines.rows if self._lines else 0

    def replacements(self) -> Sequence[Replacement]:
        return [invalid_text(0)] if self._has_id else []

    def check(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> None:
        """Look at the contacts. UserError audience_too_small where there are too few."""
        usable = self._usable()
        bad_email = (
            f"{contacts.given(self._email)} != '' AND {contacts.email(self._email)} = ''" if self._email else "0"
        )
        bad_phone = (
            f"{contacts.given(self._phone)} != '' AND {contacts.phone(self._phone)} = ''" if self._phone else "0"
        )
        conditions = (
            usable,
            f"NOT ({usable}) AND NOT ({bad_email}) AND NOT ({bad_phone})",
            f"NOT ({usable}) AND {bad_email}",
            f"NOT ({usable}) AND NOT ({bad_email}) AND {bad_phone}",
            f"({usable}) AND {bad_email}",
            f"({usable}) AND {bad_phone}",
        )
        counts = ", ".join(f"countIf({condition})" for condition in conditions)
        query = self._source.query(counts, ordered=False)
        rows, *numbers = (int(number) for number in clickhouse.rows(query, settings)[0])
        self.skipped = dict(zip(_REASONS, numbers, strict=False))
        self.left_out = dict(zip(_REASONS[1:], numbers[len(_REASONS) :], strict=True))
        if rows < FEWEST_ENTRIES:
            said: dict[str, Any] = {**self.skipped, "limit": FEWEST_ENTRIES, "rows": rows, "users": self._source.rows}
            raise AUDIENCE_TOO_SMALL.error(**said)

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Generator[bytes]:
        """UserError audience_file_too_large as soon as the file is."""
        header = f"{self._header}\n".encode()
        size = len(header)
        yield header
        found = scanned(clickhouse, self._reached, [0] if self._has_id else [], settings, formulas=False)
        line_feeds = sum(column.line_feeds for column in found.values())
        self._lines = Lines(self._reached, self._expressions, line_feeds, delimiter=",", line_end=LINE_ENDS["lf"])
        for chunk in self._lines.stream(clickhouse, settings):
            size += len(chunk)
            if size > self._most_bytes:
                raise AUDIENCE_FILE_TOO_LARGE.error(limit=self._most_bytes)
            yield chunk

    def _usable(self) -> str:
        """SQL that is 1 for a user who can be reached."""
        found = [contacts.email(self._email)] if self._email else []
        found += [contacts.phone(self._phone)] if self._phone else []
        return " OR ".join(f"{contact} != ''" for contact in found)


def _column(source: Source, name: str | None) -> str | None:
    if name is None:
        return None
    return next(f"c{index}" for index, field in enumerate(source.fields) if field.name == name)
