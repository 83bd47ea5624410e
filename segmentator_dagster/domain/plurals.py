"""A number × a noun -> the two in agreement, in Russian and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from segmentator_dagster.domain.errors import Language

PluralForm = Literal["one", "few", "many"]


@dataclass(frozen=True, slots=True)
class Noun:
    """The forms a number asks for: 1 строка, 2 строки, 5 строк; `of_` after "не менее": 21 строки, 22 строк.

    Unsaid forms are those of English: one for 1, the other for the rest.
    """

    one: str
    many: str
    few: str = ""
    of_one: str = ""
    of_many: str = ""

    def form(self, number: float, language: Language) -> str:
        form = plural_form(number, language)
        if form == "one":
            return self.one
        return self.few if form == "few" else self.many

    def genitive(self, number: float, language: Language) -> str:
        """The form after "at least", "less than" and the like."""
        single = plural_form(number, language) == "one" or not is_whole_number(number)
        return (self.of_one if single else self.of_many) or self.form(number, language)


def plural_form(number: float, language: Language) -> PluralForm:
    """The plural category of Unicode's CLDR; what it calls "other" (fractions) takes the form of "few" in Russian."""
    if language == "en":
        return "one" if number == 1 else "many"
    if not is_whole_number(number):
        return "few"
    tens, ones = abs(int(number)) % 100, abs(int(number)) % 10
    if ones == 1 and tens != 11:
        return "one"
    return "few" if 2 <= ones <= 4 and not 12 <= tens <= 14 else "many"


def is_whole_number(number: float) -> bool:
    return isinstance(number, int) or number.is_integer()
