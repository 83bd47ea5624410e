"""The value of a condition -> how it is said: quoted texts, dates in words, numbers that agree with their nouns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime

from segmentator_dagster.domain.operators import Operator, Shape, Test
from segmentator_dagster.domain.periods import PERIODS
from segmentator_dagster.domain.plurals import plural_form
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.rule import Scalar, Span, Value
from segmentator_dagster.domain.wording import RowWords

SHOWN_ITEMS = 5
_SHOWN_CHARACTERS = 100
_QUOTES = frozenset('«»„“”"')


class SpokenValues:
    """Says values in one language."""

    def __init__(self, words: RowWords, library: Library) -> None:
        self._words = words
        self._library = library

    def of(self, operator: Operator, value: Value, *, dated: bool) -> dict[str, str]:
        """What a sentence of the operator is filled with; `dated`: texts are dates or moments."""
        match operator.shape, value:
            case ((Shape.PAIR | Shape.DAYS_OF_YEAR), (low, high)):
                said = self._day_of_year if operator.shape is Shape.DAYS_OF_YEAR else self.scalar
                return {"low": said(low, dated=dated), "high": said(high, dated=dated)}
            case _, Span():
                return {"value": self._span(operator.test, value)}
            case Shape.PERIOD, str() if value in PERIODS:
                period = PERIODS[value]
                return {"value": period.label_ru if self._words.language == "ru" else period.label_en}
            case Shape.LIST_ID, int():
                return {"value": self.list_name(value)}
            case _, tuple():
                return {"value": self._listed(value, dated=dated)}
            case _, str() | int() | float():
                return {"value": self.scalar(value, dated=dated)}
            case _:
                return {}

    def scalar(self, value: Scalar, *, dated: bool = False) -> str:
        match value:
            case bool():
                return self._words.true if value else self._words.false
            case str():
                return (self._moment(value) if dated else None) or self.quoted(value)
            case _:
                return self.number(value)

    def number(self, value: float) -> str:
        return str(value).replace(".", self._words.decimal_mark)

    def quoted(self, text: str) -> str:
        """A text in quotes. With quotes or invisible characters of its own it is written as JSON does."""
        shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
        if shown.isprintable() and not _QUOTES & set(shown):
            return shown.join(self._words.quotes)
        return '"' + "".join(c if c.isprintable() and c not in '"\\' else json.dumps(c)[1:-1] for c in shown) + '"'

    def list_name(self, list_id: int) -> str:
        known = self._library.lists.get(list_id)
        return self._named(list_id, known.name if known else "", [one.name for one in self._library.lists.values()])

    def segment_name(self, segment_id: int) -> str:
        known = self._library.segments.get(segment_id)
        return self._named(
            segment_id, known.name if known else "", [one.name for one in self._library.segments.values()]
        )

    def counted_span(self, span: Span) -> str:
        """As after "at most"."""
        noun = self._words.spans.units[span.unit].noun
        return f"{span.count} {noun.genitive(span.count, self._words.language)}"

    def _named(self, id_: int, name: str, names: Sequence[str]) -> str:
        number = self._words.unnamed.format(id=id_)
        if not name:
            return number
        return self.quoted(name) if names.count(name) == 1 else f"{self.quoted(name)} ({number})"

    def _span(self, test: Test, span: Span) -> str:
        spans, unit = self._words.spans, self._words.spans.units[span.unit]
        match test:
            case Test.IN_LAST:
                return self._several(span, unit.last, spans.last)
            case Test.IN_NEXT:
                return self._several(span, unit.nearest, spans.nearest)
            case Test.ANNIVERSARY_WITHIN if span.count == 0:
                return spans.today
            case Test.ANNIVERSARY_WITHIN:
                value = self._several(span, unit.nearest, spans.nearest)
                return spans.today_or_nearest.format(value=value)
            case _:
                return self._counted(span)

    def _several(self, span: Span, before_one: str, before_several: str) -> str:
        """`the last day`, `the last 30 days`: a single unit is not counted."""
        one = plural_form(span.count, self._words.language) == "one"
        counted = self._words.spans.units[span.unit].noun.one if span.count == 1 else self._counted(span)
        return f"{before_one if one else before_several} {counted}".strip()

    def _counted(self, span: Span) -> str:
        return f"{span.count} {self._words.spans.units[span.unit].noun.form(span.count, self._words.language)}"

    def _listed(self, values: Sequence[Scalar], *, dated: bool) -> str:
        items = ", ".join(self.scalar(value, dated=dated) for value in values[:SHOWN_ITEMS])
        rest = len(values) - SHOWN_ITEMS
        return self._words.more.format(items=items, count=rest) if rest > 0 else items

    def _day_of_year(self, value: Scalar, *, dated: bool) -> str:
        """`03-08` as "8 March"."""
        month, _, day = str(value).partition("-")
        known = month.isdecimal() and day.isdecimal() and 1 <= int(month) <= len(self._words.months)
        return f"{int(day)} {self._words.months[int(month) - 1]}" if known else self.scalar(value, dated=dated)

    def _moment(self, text: str) -> str | None:
        """A date or a moment in words; None where it is neither."""
        if text[4:5] != "-" or text[7:8] != "-":  # other forms of ISO 8601 are no values of a rule
            return None
        try:
            if len(text) == len("2026-01-31"):
                return self._day(date.fromisoformat(text))
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        clock = f"{moment:%H:%M:%S}" if moment.second or moment.microsecond else f"{moment:%H:%M}"
        fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
        zone = "" if moment.tzinfo is None else f" {moment.tzname()}"
        return self._words.moment.format(day=self._day(moment), time=f"{clock}{fraction}{zone}")

    def _day(self, day: date) -> str:
        return f"{day.day} {self._words.months[day.month - 1]} {day.year}"
