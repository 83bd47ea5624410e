"""The tables of the rule language -> its reference page in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from types import ModuleType

from docs import rule_examples as examples
from docs.rule_examples import CATALOGUE, LIBRARY, Json
from segmentator_dagster.domain import definition, problems, reference_problems, rule_file
from segmentator_dagster.domain.aggregates import AGGREGATES
from segmentator_dagster.domain.catalogue import SCALARS, FieldType
from segmentator_dagster.domain.describe import describe, describe_row
from segmentator_dagster.domain.errors import ProblemKind
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.parsing import MAX_SEED, MAX_TOP, parse_rule
from segmentator_dagster.domain.periods import MOST_ANNIVERSARY, MOST_COUNT, PERIODS, UNIT_LABELS
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Activity, RowGroup
from segmentator_dagster.domain.rule_schema import SCHEMA_ID
from segmentator_dagster.domain.shapes import SHAPES

_VOCABULARIES: tuple[ModuleType, ...] = (problems, reference_problems, definition, rule_file)
_WIDTH = 100
_LIMITS = (
    ("nodes of a rule", problems.MAX_NODES),
    ("levels of a rule", problems.MAX_DEPTH),
    ("values in all lists of a rule together", problems.MAX_LIST_ITEMS),
    ("characters of a text", problems.MAX_TEXT),
    ("characters of a regular expression", problems.MAX_PATTERN),
    ("steps of a sequence", problems.MAX_STEPS),
    ("segments that refer to one another in a row", problems.MAX_REFERENCES),
    ("nodes of a rule with those of the segments it refers to", problems.MAX_EXPANDED_NODES),
    ("characters of a sample's seed", MAX_SEED),
    ("users of a top", MAX_TOP),
)


def rule_language_page() -> str:
    parts = (_head(), _nodes(), _rows(), _operators(), _aggregates(), _values(), _files(), _refusals())
    return "\n".join(chain.from_iterable(parts))


def _head() -> Iterator[str]:
    yield from (
        f"# The rule language, version {LANGUAGE_VERSION}",
        "",
        "Made from the tables in `segmentator_dagster/domain` by `python -m docs`; a test keeps it current. What NULL,",
        "NaN and `not` mean exactly is in [decision 2](decisions/0002-rule-semantics.md), what each word means in",
        "[decision 7](decisions/0007-the-rule-language.md). Editors can check rules against",
        f"[the JSON Schema](rule-schema.v{LANGUAGE_VERSION}.json), `{SCHEMA_ID}`; `GET /api/v1/operators` and",
        "`GET /api/v1/rules/schema` answer with the same.",
        "",
        "A rule is a JSON object that defines a **set of users**. It has two levels, never mixed: *nodes* are sets of",
        "users, *conditions* are about one row of a dataset. Every rule has a sentence, shown here in both languages.",
        "",
        "The shortest rule is a group of conditions: the users with such a row in the default dataset.",
        "",
    )
    yield from _shown(examples.SHORTHAND)


def _nodes() -> Iterator[str]:
    yield from ("## Nodes", "", 'Every node may carry `"not": true`: all other users of the base dataset.', "")
    for kind, (meaning, rules) in examples.NODES.items():
        yield from (f"### `{kind}`", "", meaning, "")
        for rule in rules:
            yield from _shown(rule)


def _rows() -> Iterator[str]:
    yield from (
        "## Conditions on a row",
        "",
        "`{field, operator, value}`, in groups of any depth; all of a `where` hold on the **same row**. `key` names an",
        "entry of a map or a dotted path of JSON, and `as` the type that a text entry is read as (`text` unless said):",
        f'{", ".join(f"`{one}`" for one in SCALARS)}. With `"ignore_case": true` texts are compared in lower case.',
        "",
    )
    for rows in examples.ROWS:
        rule = parse_rule(rows, default_dataset="user_activity")
        if isinstance(rule, Activity) and rule.where is not None:
            yield from (*_json(rows), *_sentences(*_of_row(rule.where, "user_activity")))


def _operators() -> Iterator[str]:
    yield from (
        "## Operators",
        "",
        "A negative operator is the exact complement of its twin: it matches what has no value.",
        "",
    )
    of_types = [
        (f"`{type_}`", " ".join(f"`{one.key}`" for one in OPERATORS.values() if type_ in one.types))
        for type_ in FieldType
        if any(type_ in one.types for one in OPERATORS.values())
    ]
    yield from _table(("type of field", "operators"), of_types)
    yield from ("Of numbers only whole ones can be on a list.", "")
    rows = []
    for key, operator in OPERATORS.items():
        example = examples.OPERATORS[key]
        dataset = examples.dataset_of(example)
        rule = parse_rule(examples.where(example), default_dataset=dataset.name)
        where = rule.where if isinstance(rule, Activity) and rule.where is not None else None
        en, ru = _of_row(where, dataset.name) if where is not None else ("", "")
        case = ", `ignore_case`" if operator.ignores_case else ""
        labels = f"{operator.label_en} / {operator.label_ru}"
        compact = json.dumps(example, ensure_ascii=False)
        rows.append((f"`{key}`", labels, f"{operator.shape}{case}", f"`{compact}`", f"{en}<br>{ru}"))
    yield from _table(("operator", "label", "value", "example", "sentence"), rows)


def _aggregates() -> Iterator[str]:
    yield from (
        "## Aggregates",
        "",
        "Computed over a user's matching rows; NULL and NaN are no values. What comes out is compared by operators of",
        "its type. Of no rows at all it is what the table says; of “no value” only `null` and negative operators hold.",
        "",
    )
    rows = [
        (
            f"`{function}`",
            f"{kind.label_en} / {kind.label_ru}",
            ", ".join(f"`{one}`" for one in FieldType if one in kind.of) or "none",
            "needed" if kind.needs_time else "",
            "no value" if kind.of_nothing is None else str(kind.of_nothing),
        )
        for function, kind in AGGREGATES.items()
    ]
    yield from _table(("function", "label", "of fields", "time field", "of nothing"), rows)
    yield from ("`first` and `last` without a field are the time of the user's earliest and latest row.", "")
    for function in AGGREGATES:
        yield from _shown(examples.AGGREGATES[function])


def _values() -> Iterator[str]:
    yield from ("## Values", "")
    shapes = [(f"`{shape}`", f"{words.en}<br>{words.ru}", f"`{words.example}`") for shape, words in SHAPES.items()]
    yield from _table(("value", "what it is", "example"), shapes)
    yield from ("## Units of time", "")
    units = [
        (f"`{unit}`", " / ".join(reversed(labels)), str(MOST_COUNT[unit]), str(MOST_ANNIVERSARY.get(unit, "not used")))
        for unit, labels in UNIT_LABELS.items()
    ]
    yield from _table(("unit", "label", "largest count", "in `anniversaryWithin`"), units)
    yield from ("## Periods", "", "A week begins on Monday.", "")
    yield from _table(
        ("period", "label"), [(f"`{one.key}`", f"{one.label_en} / {one.label_ru}") for one in PERIODS.values()]
    )


def _files() -> Iterator[str]:
    yield from (
        "## Rule files",
        "",
        "A rule can be carried to another installation as a JSON file: `GET /api/v1/segments/{id}/rule-file` there,",
        "`POST /api/v1/segments/import` here. What it refers to goes by name, and gets the ids it has here. A file of",
        "an older version of the language is brought up to date as it is read.",
        "",
    )
    rule = parse_rule(examples.NODES["segment"][1][0], default_dataset="user_activity")
    yield from _json(rule_file.rule_file("Возвраты", "user_activity", "Europe/Moscow", rule, LIBRARY))


def _refusals() -> Iterator[str]:
    yield from ("## Limits", "")
    yield from _table(("at most", ""), [(str(most), what) for what, most in _LIMITS])
    yield from (
        "## Refusals",
        "",
        "All problems of a rule come at once, of its form and of its meaning, each with a code and a JSON pointer.",
        "",
    )
    kinds = {
        kind.code: kind for module in _VOCABULARIES for kind in vars(module).values() if isinstance(kind, ProblemKind)
    }
    yield from _table(
        ("code", "message"),
        [(f"`{code}`", f"{_text(kind.en)}<br>{_text(kind.ru)}") for code, kind in sorted(kinds.items())],
    )


def _of_row(where: RowGroup, dataset: str) -> tuple[str, str]:
    known = CATALOGUE.dataset(dataset)
    return describe_row(where, known, "en", LIBRARY), describe_row(where, known, "ru", LIBRARY)


def _shown(rule: Json) -> Iterator[str]:
    """An example and its sentences."""
    parsed = parse_rule(rule, default_dataset="user_activity")
    yield from _json(rule)
    yield from _sentences(describe(parsed, CATALOGUE, "en", LIBRARY), describe(parsed, CATALOGUE, "ru", LIBRARY))


def _json(value: Json) -> Iterator[str]:
    yield from ("```json", _laid_out(value), "```", "")


def _sentences(en: str, ru: str) -> Iterator[str]:
    yield from (f"> {en}<br>", f"> {ru}", "")


def _laid_out(value: object, indent: int = 0, before: int = 0) -> str:
    """JSON in as few lines as fit; `before` is what stands before it in its line."""
    flat = json.dumps(value, ensure_ascii=False)
    if indent + before + len(flat) <= _WIDTH or not isinstance(value, dict | list):
        return flat
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_laid_out(item, indent + 2, len(key) + 4)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(inner + _laid_out(item, indent + 2) for item in value) + "\n" + " " * indent + "]"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


class _Placeholders(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def _text(template: str) -> str:
    return template.format_map(_Placeholders())
