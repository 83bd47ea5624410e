"""File -> batches of cells: what every kind of file offers to a load."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from segmentator_dagster.collection.problems import HEADER_INVALID, TOO_MANY_COLUMNS, BadRow

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 1000
ROW = "row"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of the file. `native_type` is its ClickHouse type where the file itself has types; None: text."""

    name: str
    native_type: str | None = None


class Source(Protocol):
    """One open file. Read once by `batches`, then asked about the bad rows."""

    @property
    def columns(self) -> tuple[SourceColumn, ...]: ...

    @property
    def decimal_comma(self) -> bool:
        """Numbers may be written as in Russian: 1 234,50."""

    @property
    def cell_kinds(self) -> bool:
        """Batches carry a kind (`CellKind`) beside every cell."""

    def batches(self) -> Iterator[pa.Table]:
        """Tables of `row` (UInt64, ascending) and `c0`, `c1`, …; with cell kinds also `k0`, `k1`, ….

        UserError where the file breaks off or cannot be read at all.
        """

    def fraction_read(self) -> float | None:
        """How much of the file `batches` has consumed, 0 to 1; None where it cannot be told."""

    def broken_rows(self) -> Sequence[BadRow]:
        """The first rows that `batches` had to leave out: wrong number of fields, dates that no column holds."""

    def lines(self, rows: Collection[int]) -> Mapping[int, int]:
        """The line in the file of each given `row`."""


def cell(index: int) -> str:
    return f"c{index}"


def kind(index: int) -> str:
    return f"k{index}"


def columns_of(first_row: Sequence[str] | int) -> tuple[SourceColumn, ...]:
    """The columns that a header names, or 1, 2, … of a file without one, given how many."""
    if isinstance(first_row, int):
        first_row = [str(number) for number in range(1, first_row + 1)]
    return tuple(SourceColumn(name) for name in checked_names(first_row))


def checked_names(header: Sequence[str]) -> tuple[str, ...]:
    """Trimmed column names; UserError names the first one that is empty, repeated or not usable."""
    if len(header) > MAX_COLUMNS:
        raise TOO_MANY_COLUMNS.error(found=len(header), limit=MAX_COLUMNS)
    names = tuple(name.strip() for name in header)
    seen: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if fault := _fault(name, seen.get(name.casefold())):
            raise HEADER_INVALID.error(position=position, value=name[:80], reason_en=fault[0], reason_ru=fault[1])
        seen[name.casefold()] = position
    return names


def _fault(name: str, same_as: int | None) -> tuple[str, str] | None:
    if not name:
        return "is empty", "— пусто"
    if same_as is not None:
        return f"repeats column {same_as}", f"повторяет столбец {same_as}"
    if any(character in "`\\\ufffd" or (not character.isprintable() and character != "\u00a0") for character in name):
        return "holds a character that a name may not have", "содержит недопустимый символ"
    if len(name.encode()) > 255:
        return "is longer than 255 bytes", "длиннее 255 байт"
    return None
