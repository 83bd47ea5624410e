"""Header + what the caller says of it -> what has to be found out about every column."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from segmentator_dagster.collection.problems import COLUMN_UNKNOWN, KEY_IS_TIME, TYPE_UNKNOWN, shown_names
from segmentator_dagster.collection.source import Source, SourceColumn, cell, kind
from segmentator_dagster.collection.value_types import RECOGNISED, Notation, ValueType
from segmentator_dagster.domain.catalogue import FieldType, field_type

TIME_TYPES = (ValueType.DATE, ValueType.DATETIME)
_FIELD_TYPES = {
    ValueType.TEXT: FieldType.TEXT,
    ValueType.BOOLEAN: FieldType.BOOLEAN,
    ValueType.INTEGER: FieldType.NUMBER,
    ValueType.NUMBER: FieldType.NUMBER,
    ValueType.DATE: FieldType.DATE,
    ValueType.DATETIME: FieldType.DATETIME,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One column: its possible types and how its cells are written.

    No `candidates`: the file's own type is kept. `forced`: every value must be of one of the candidates.
    """

    index: int
    name: str
    native_type: str | None
    candidates: tuple[ValueType, ...] = ()
    forced: bool = False
    is_key: bool = False
    is_time: bool = False
    decimal_comma: bool = False
    cell_kinds: bool = False

    @property
    def cell(self) -> str:
        return cell(self.index)

    @property
    def notation(self) -> Notation:
        return Notation(self.cell, self.decimal_comma, lax=self.forced)

    @property
    def definitions(self) -> tuple[str, ...]:
        return self.notation.definitions(self.text)

    @property
    def text(self) -> str:
        """SQL: the cell as text."""
        return self.cell if self.may_be_undecodable else f"toString({self.cell})"

    @property
    def may_be_undecodable(self) -> bool:
        """The cells are text as it stands in the file."""
        return self.native_type in (None, "String")

    @property
    def is_empty(self) -> str:
        """SQL: the cell has no value in the sense of its type."""
        return f"{self.notation.trimmed} = ''" if self.candidates or self.is_key else f"isNull({self.cell})"

    @property
    def is_undecodable(self) -> str:
        return f"NOT isValidUTF8(ifNull({self.cell}, ''))" if self.may_be_undecodable else "false"

    @property
    def is_error(self) -> str:
        return f"{kind(self.index)} = 2" if self.cell_kinds else "false"

    def fits(self, candidate: ValueType) -> str:
        """SQL: the cell speaks for this type. A cell that is text in a spreadsheet speaks for no other type."""
        fits = f"isNotNull({self.notation.value(candidate)})"
        return fits if self.forced or not self.cell_kinds else f"({kind(self.index)} = 0 AND {fits})"


def questions(
    source: Source, user_key: str, time_field: str | None, types: Mapping[str, str], named: Collection[str] = ()
) -> tuple[Question, ...]:
    """`named` are further columns that must be there.

    UserError where a named column is not in the file or a stated type is none, or not one for this column.
    """
    known = tuple(column.name for column in source.columns)
    for name in (user_key, *([time_field] if time_field is not None else []), *types, *named):
        if name not in known:
            raise COLUMN_UNKNOWN.error(column=name, known=shown_names(known))
    if user_key == time_field:
        raise KEY_IS_TIME.error(column=user_key)
    for name, stated in types.items():
        possible = tuple(ValueType)
        if name == user_key:
            possible = (ValueType.TEXT,)
        if name == time_field:
            possible = TIME_TYPES
        if stated not in possible:
            raise TYPE_UNKNOWN.error(column=name, type=stated, known=", ".join(possible))

    def question(index: int, column: SourceColumn) -> Question:
        is_key, is_time = column.name == user_key, column.name == time_field
        stated = ValueType(types[column.name]) if column.name in types else None
        candidates, forced = _candidates(column, stated, is_key=is_key, is_time=is_time)
        return Question(
            index=index,
            name=column.name,
            native_type=column.native_type,
            candidates=candidates,
            forced=forced,
            is_key=is_key,
            is_time=is_time,
            decimal_comma=source.decimal_comma,
            cell_kinds=source.cell_kinds,
        )

    return tuple(question(index, column) for index, column in enumerate(source.columns))


def _candidates(
    column: SourceColumn, stated: ValueType | None, *, is_key: bool, is_time: bool
) -> tuple[tuple[ValueType, ...], bool]:
    """The possible types and whether they are forced; none where the cells are kept as they are."""
    if is_key:
        return (), False
    possible = (stated,) if stated else TIME_TYPES if is_time else ()
    if ValueType.NUMBER in possible:
        possible = (ValueType.INTEGER, ValueType.NUMBER)
    if column.native_type is None and not possible:
        return RECOGNISED, False
    if column.native_type is None:
        return ((), False) if possible == (ValueType.TEXT,) else (possible, True)
    if not possible or any(_keeps(column.native_type, value_type) for value_type in possible):
        return (), False
    return possible, True


def _keeps(native_type: str, value_type: ValueType) -> bool:
    """A column that the file gives this type already is of the value type."""
    if value_type is ValueType.INTEGER and "Int" not in native_type:
        return False
    return field_type(native_type) is _FIELD_TYPES[value_type]
