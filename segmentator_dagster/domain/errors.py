"""What went wrong, in a form a person can act on: a code, the place, a message and a hint in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Language = Literal["ru", "en"]


class Category(StrEnum):
    """What kind of refusal it is; each skin (HTTP, command line) maps it to its own status."""

    MALFORMED = "malformed"  # the request cannot be read
    INVALID = "invalid"  # it can be read, and asks for something that makes no sense
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    GONE = "gone"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"  # asked too often; the same request works later
    UPSTREAM = "upstream"  # somebody whom we ask, and who is no part of the system, does not answer as he should
    UNAVAILABLE = "unavailable"  # a part of the system is down; the same request works later


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """One entry of the error vocabulary. Texts are `str.format` templates over the values given to `at`."""

    code: str
    category: Category
    en: str
    ru: str
    hint_en: str = ""
    hint_ru: str = ""

    def at(self, pointer: str = "", **values: object) -> Problem:
        """A problem of this kind at a JSON pointer (RFC 6901) into the input; "" is the whole input."""
        return Problem(self, pointer, values)

    def error(self, pointer: str = "", **values: object) -> UserError:
        """The same as an exception with this one problem."""
        return UserError(self.at(pointer, **values))


@dataclass(frozen=True, slots=True)
class Problem:
    kind: ProblemKind
    pointer: str = ""
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.kind.code

    def message(self, language: Language = "en") -> str:
        return (self.kind.ru if language == "ru" else self.kind.en).format(**self.values)

    def hint(self, language: Language = "en") -> str:
        return (self.kind.hint_ru if language == "ru" else self.kind.hint_en).format(**self.values)

    def error(self) -> UserError:
        """An exception with this one problem."""
        return UserError(self)

    def moved_under(self, pointer: str) -> Problem:
        """The same problem inside a larger document: its pointer continues the given one."""
        return Problem(self.kind, pointer + self.pointer, self.values)


class UserError(Exception):
    """The caller may see it and can act on it. Carries at least one problem; the first one names the error."""

    def __init__(self, *problems: Problem, extra: Mapping[str, object] | None = None) -> None:
        if not problems:
            raise InternalError("a UserError needs a problem")
        self.problems = problems
        self.extra = dict(extra or {})
        super().__init__("; ".join(f"{p.code} at {p.pointer or '/'}: {p.message('en')}" for p in problems))

    @property
    def code(self) -> str:
        return self.problems[0].code

    @property
    def category(self) -> Category:
        return self.problems[0].kind.category


class InternalError(Exception):
    """Our bug or a broken installation: logged in full, shown to nobody."""


def pointer_to(parent: str, *steps: str | int) -> str:
    """Extend a JSON pointer by steps, escaping `~` and `/` as RFC 6901 asks."""
    return parent + "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
