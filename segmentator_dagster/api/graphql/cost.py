"""Text of a GraphQL request -> its document, unless it is more than one request may ask for.

Linear in the text: every fragment is measured once, however often it is spread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    TokenKind,
    VariableNode,
    parse,
)

from segmentator_dagster.api.graphql.permissions import QUESTIONS
from segmentator_dagster.api.graphql.problems import GRAPHQL_SYNTAX, ONE_OPERATION, QUERY_TOO_COSTLY
from segmentator_dagster.api.http_problems import NUMBER_NOT_JSON
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.problems import BAD_TEXT, shown

MOST_CHARACTERS = 20_000
MOST_TOKENS = 6000
MOST_DEPTH = 15
MOST_FIELDS = 1000
MOST_COST = 10_000
MOST_FIRST = 200
_MOST_PAIRS = 10_000  # of fields of one name in one place: validation compares each with each
_ENTRY_COST = 20  # a use case: some statements of SQL
_QUESTION_COST = 500  # one that ClickHouse computes
_TEXTS = (TokenKind.STRING, TokenKind.BLOCK_STRING)
_ROOTS = frozenset({"Query", "Mutation", "Subscription"})


@dataclass(frozen=True, slots=True)
class Measure:
    """Of a selection: levels, fields when fragments are written out, and what computing it costs: a field is 1, lists
    multiply what is in them by `first`."""

    depth: int = 0
    fields: int = 0
    cost: int = 0

    def beside(self, other: Measure) -> Measure:
        return Measure(max(self.depth, other.depth), self.fields + other.fields, self.cost + other.cost)


def document_of(text: str, variables: Mapping[str, Any]) -> DocumentNode:
    """UserError graphql_syntax, one_operation, query_too_costly; bad_text for what no database stores."""
    if len(text) > MOST_CHARACTERS:
        raise _too_costly("characters", "знаков", MOST_CHARACTERS)
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
        _check_tokens(document)
        _check_measure(document, variables)
    except GraphQLSyntaxError as error:
        if error.message.endswith("Parsing aborted."):
            raise _too_costly("words and signs", "слов и знаков препинания", MOST_TOKENS) from error
        raise GRAPHQL_SYNTAX.error(reason=shown(error.message)) from error
    except RecursionError as error:
        raise _too_costly("levels", "уровней", MOST_DEPTH) from error
    return document


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    """The one operation; UserError one_operation."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1:
        raise ONE_OPERATION.error(count=len(operations))
    return operations[0]


def _check_tokens(document: DocumentNode) -> None:
    """Values in the text are held to what is asked of those in a JSON body."""
    token = document.loc.start_token if document.loc else None
    while token is not None:
        if token.kind in _TEXTS and "\0" in (token.value or ""):
            raise BAD_TEXT.error()
        if token.kind is TokenKind.FLOAT and float(token.value or "0") in (float("inf"), float("-inf")):
            raise NUMBER_NOT_JSON.error(number=shown(token.value or ""))
        token = token.next


def _check_measure(document: DocumentNode, variables: Mapping[str, Any]) -> None:
    operation = operation_of(document)
    defaults = {
        one.variable.name.value: _number(one.default_value)
        for one in operation.variable_definitions
        if isinstance(one.default_value, IntValueNode)
    }
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    ruler = _Ruler(fragments, {**defaults, **variables})
    found = ruler.selection(operation.selection_set, (), root=True)
    for fragment in fragments.values():  # validation reads those that nobody spreads too
        ruler.fragment(fragment.name.value)
    if ruler.pairs > _MOST_PAIRS:
        raise _too_costly("pairs of fields of one name", "пар полей с одним именем", _MOST_PAIRS)
    if found.depth > MOST_DEPTH:
        raise _too_costly("levels", "уровней", MOST_DEPTH)
    if found.fields > MOST_FIELDS:
        raise _too_costly("fields", "полей", MOST_FIELDS)
    if found.cost > MOST_COST:
        raise _too_costly("values, lists multiplied by `first`", "значений с учётом `first`", MOST_COST)


class _Ruler:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables
        self._measured: dict[str, Measure | None] = {}  # None while it is being measured
        self._alike: Counter[tuple[str, ...]] = Counter()
        self.pairs = 0

    def selection(self, selected: SelectionSetNode | None, place: tuple[str, ...], *, root: bool) -> Measure:
        """`place` are the names that lead to it, from the operation or from any fragment."""
        total = Measure()
        if selected is None:
            return total
        for one in selected.selections:
            if isinstance(one, FieldNode):
                total = total.beside(self._field(one, place, root=root))
            elif isinstance(one, FragmentSpreadNode):
                total = total.beside(self.fragment(one.name.value))
            elif isinstance(one, InlineFragmentNode):
                total = total.beside(self.selection(one.selection_set, place, root=root))
        return total

    def fragment(self, name: str) -> Measure:
        """Of a fragment that is not there, nothing: validation says so."""
        fragment = self._fragments.get(name)
        if fragment is None:
            return Measure()
        if name not in self._measured:
            self._measured[name] = None
            root = fragment.type_condition.name.value in _ROOTS
            self._measured[name] = self.selection(fragment.selection_set, ("...",), root=root)
        measured = self._measured[name]
        if measured is None:
            raise _too_costly("levels of fragments that contain themselves", "уровней вложенных в себя фрагментов", 0)
        return measured

    def _field(self, field: FieldNode, place: tuple[str, ...], *, root: bool) -> Measure:
        here = (*place, (field.alias or field.name).value)
        if len(here) > MOST_DEPTH + 1:
            raise _too_costly("levels", "уровней", MOST_DEPTH)
        self.pairs += 2 * self._alike[here] + 1
        self._alike[here] += 1
        below = self.selection(field.selection_set, here, root=False)
        own = 1
        if root and not field.name.value.startswith("__"):
            own = _QUESTION_COST if field.name.value in QUESTIONS else _ENTRY_COST
        return Measure(below.depth + 1, below.fields + 1, own + self._first(field) * below.cost)

    def _first(self, field: FieldNode) -> int:
        """How many of what is below it there may be. Of a list that is out of range nothing: its field refuses it."""
        for argument in field.arguments:
            if argument.name.value != "first":
                continue
            value: object = None
            if isinstance(argument.value, IntValueNode):
                value = _number(argument.value)
            elif isinstance(argument.value, VariableNode):
                value = self._variables.get(argument.value.name.value)
            if isinstance(value, int | float) and 1 <= value <= MOST_FIRST:
                return int(value)
        return 1


def _number(node: IntValueNode) -> int:
    """The longest ones are out of every range."""
    return int(node.value) if len(node.value) < 10 else 0


def _too_costly(what_en: str, what_ru: str, limit: int) -> UserError:
    return QUERY_TOO_COSTLY.error(what_en=what_en, what_ru=what_ru, limit=limit)
