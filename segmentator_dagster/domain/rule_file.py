"""Rule <-> a file that another installation can read: references go by name, an older version is brought up to date."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from segmentator_dagster.domain.definition import RULE_TOO_NEW
from segmentator_dagster.domain.errors import Problem, UserError, pointer_to
from segmentator_dagster.domain.node_reading import Node, NodeReader
from segmentator_dagster.domain.operators import OPERATORS, Test
from segmentator_dagster.domain.parsing import read_rule
from segmentator_dagster.domain.problems import MISSING_KEY, kind_of, shown, suggestion
from segmentator_dagster.domain.references import Compared, Library, list_ids, mapped, segment_ids, with_conditions
from segmentator_dagster.domain.rule import (
    LANGUAGE_VERSION,
    Activity,
    Everyone,
    ListMembers,
    Rule,
    SegmentMembers,
    Sequence,
    Top,
)
from segmentator_dagster.domain.rule_json import rule_json

IdsByName = Mapping[str, int]
Document = Mapping[str, object]

NOT_A_RULE_FILE = kind_of(
    "not_a_rule_file",
    "This is not a rule file of Segmentator.",
    "Это не файл правила Сегментатора.",
    'A rule file is a JSON object with {{"segmentator": "rule"}}.',
    'Файл правила — объект JSON, в котором есть {{"segmentator": "rule"}}.',
)
UNKNOWN_VERSION = kind_of(
    "unknown_rule_version",
    "There is no version {found} of the rule language.",
    "Версии {found} у языка правил нет.",
    f"The versions are 1 to {LANGUAGE_VERSION}.",
    f"Есть версии от 1 до {LANGUAGE_VERSION}.",
)
NOT_AN_ID = kind_of("not_an_id", "`{key}` is not an id.", "`{key}` — не номер.")
UNNAMED_SEGMENT = kind_of(
    "unnamed_segment",
    "The rule refers to segment {id}, and the file does not say its name.",
    "Правило ссылается на сегмент {id}, а его названия в файле нет.",
)
UNNAMED_LIST = kind_of(
    "unnamed_list",
    "The rule refers to list {id}, and the file does not say its name.",
    "Правило ссылается на список {id}, а его названия в файле нет.",
)
SEGMENT_NOT_HERE = kind_of(
    "segment_not_here",
    "There is no segment “{name}” here.",
    "Сегмента «{name}» здесь нет.",
    "Make it first, or rename one. {suggestion_en}",
    "Сначала создайте его или переименуйте другой. {suggestion_ru}",
)
LIST_NOT_HERE = kind_of(
    "list_not_here",
    "There is no list “{name}” here.",
    "Списка «{name}» здесь нет.",
    "Upload it first, or rename one. {suggestion_en}",
    "Сначала загрузите его или переименуйте другой. {suggestion_ru}",
)
_UNKNOWN = {"segments": (UNNAMED_SEGMENT, SEGMENT_NOT_HERE), "lists": (UNNAMED_LIST, LIST_NOT_HERE)}
_KEYS = ("segmentator", "version", "name", "dataset", "time_zone", "rule", "references")
_ID = re.compile(r"[1-9]\d{0,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What a rule file says, with the ids of this installation.

    `problems` are what is wrong with its form and the references to what is not here; in the rule something that means
    nothing stands in their place, so that the rest can be checked beside. Pointers lead into the document as it was
    written.
    """

    name: str
    dataset: str
    time_zone: str
    rule: Rule
    problems: tuple[Problem, ...] = ()


def rule_file(name: str, dataset: str, time_zone: str, rule: Rule, library: Library) -> dict[str, Any]:
    """The JSON document of a rule. What the library does not know is left without a name."""
    segments, lists = set(segment_ids(rule)), set(list_ids(rule))
    return {
        "segmentator": "rule",
        "version": LANGUAGE_VERSION,
        "name": name,
        "dataset": dataset,
        "time_zone": time_zone,
        "rule": rule_json(rule),
        "references": {
            "segments": {str(one): library.segments[one].name for one in sorted(segments) if one in library.segments},
            "lists": {str(one): library.lists[one].name for one in sorted(lists) if one in library.lists},
        },
    }


def read_rule_file(document: object, segment_ids_by_name: IdsByName, list_ids_by_name: IdsByName) -> RuleFile:
    """Read a rule file of this version or an older one; any JSON may come.

    Raises UserError with all problems of its form where something around the rule is wrong. Names and types are not
    checked against the data.
    """
    if not isinstance(document, Mapping) or document.get("segmentator") != "rule":
        raise NOT_A_RULE_FILE.error()
    return _FileReader(_up_to_date(document)).read(segment_ids_by_name, list_ids_by_name)


def _from_version_1(document: Document) -> Document:
    """Every rule of version 1 is one of version 2 and means the same."""
    return document


MIGRATIONS: Mapping[int, Callable[[Document], Document]] = {1: _from_version_1}
"""For each older version, the step from its files to those of the next."""


def _up_to_date(document: Document) -> Document:
    reader, version = NodeReader(), document.get("version")
    if "version" not in document:
        raise MISSING_KEY.error(key="version")
    if isinstance(version, bool) or not isinstance(version, int):
        reader.wrong_type("/version", version, "a whole number", "целое число")
        raise UserError(*reader.problems)
    if version < 1:
        raise UNKNOWN_VERSION.error("/version", found=shown(version))
    if version > LANGUAGE_VERSION:
        raise RULE_TOO_NEW.error("/version", found=shown(version), known=LANGUAGE_VERSION)
    for step in range(version, LANGUAGE_VERSION):
        document = MIGRATIONS[step](document)
    return document


class _FileReader:
    """Reads one document of the present version. A method gives None exactly where a problem was reported."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._reader = NodeReader()

    def read(self, segment_ids_by_name: IdsByName, list_ids_by_name: IdsByName) -> RuleFile:
        reader, document = self._reader, self._document
        reader.keys(document, "", _KEYS)
        name, dataset, time_zone = (reader.name(document, key, "") for key in ("name", "dataset", "time_zone"))
        segments, lists = self._references()
        of_the_file = len(reader.problems)
        rule = self._rule(dataset or "")
        if of_the_file or name is None or dataset is None or time_zone is None:
            raise UserError(*reader.problems)
        renumbered = _renumbered(
            rule,
            cache(partial(self._here, "segments", segments, segment_ids_by_name)),
            cache(partial(self._here, "lists", lists, list_ids_by_name)),
        )
        return RuleFile(name, dataset, time_zone, renumbered, tuple(reader.problems))

    def _rule(self, dataset: str) -> Rule:
        if "rule" not in self._document:
            self._reader.report(MISSING_KEY, "", key="rule")
            return Everyone()
        reading = read_rule(self._document["rule"], default_dataset=dataset)
        self._reader.problems += [problem.moved_under("/rule") for problem in reading.problems]
        return reading.rule

    def _references(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        given = self._reader.mapping(self._document.get("references", {}), "/references") or {}
        self._reader.keys(given, "/references", ("segments", "lists"))
        return self._names(given, "segments"), self._names(given, "lists")

    def _names(self, references: Node, kind: str) -> Mapping[str, str]:
        at = pointer_to("/references", kind)
        given = self._reader.mapping(references.get(kind, {}), at) or {}
        names: dict[str, str] = {}
        for id_ in given:
            if not _ID.fullmatch(id_):
                self._reader.report(NOT_AN_ID, pointer_to(at, shown(id_)), key=shown(id_))
            elif name := self._reader.name(given, id_, at):
                names[id_] = name
        return names

    def _here(self, kind: str, names: Mapping[str, str], ids_by_name: IdsByName, id_: int) -> int | None:
        """The id here of what the file calls `id_`."""
        at = pointer_to("/references", kind)
        unnamed, not_here = _UNKNOWN[kind]
        name = names.get(str(id_))
        if name is None:
            self._reader.report(unnamed, at, id=id_)
        elif name in ids_by_name:
            return ids_by_name[name]
        else:
            self._reader.report(not_here, pointer_to(at, id_), name=shown(name), **suggestion(name, ids_by_name))
        return None


def _renumbered(rule: Rule, segment: Callable[[int], int | None], list_: Callable[[int], int | None]) -> Rule:
    """The rule with the id of every segment and list it refers to put in by these functions; where they know none,
    something that refers to nothing, in the same place.
    """

    def compared(one: Compared) -> Compared:
        id_ = one.value
        if not isinstance(id_, int) or OPERATORS[one.operator].test is not Test.ON_LIST:
            return one
        here = list_(id_)
        return replace(one, operator="notNull", value=None) if here is None else replace(one, value=here)

    def node(one: Rule) -> Rule:
        match one:
            case SegmentMembers():
                here = segment(one.segment_id)
                return Everyone() if here is None else replace(one, segment_id=here)
            case ListMembers():
                here = list_(one.list_id)
                return Everyone() if here is None else replace(one, list_id=here)
            case Activity():
                return with_conditions(compared(one), compared)
            case Sequence() | Top():
                return with_conditions(one, compared)
            case _:
                return one

    return mapped(rule, node)
