import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.exports.xlsx.row_text import RowText


def cut(text: bytes, sizes: list[int]) -> list[bytes]:
    """The text in chunks of these sizes, and what is left."""
    chunks, start = [], 0
    for size in sizes:
        chunks.append(text[start : start + size])
        start += size
    return [chunk for chunk in [*chunks, text[start:]] if chunk]


def taken(text: RowText, rows: int, size: int) -> list[bytes]:
    parts = []
    while text.more():
        parts.append(b"".join(text.take(rows, size)))
    return parts


@given(
    lengths=st.lists(st.integers(0, 12), max_size=30),
    sizes=st.lists(st.integers(1, 40), max_size=20),
    rows=st.integers(1, 12),
    size=st.integers(1, 60),
)
def test_rows_cut_anywhere_make_the_same_whole_sheets(
    lengths: list[int], sizes: list[int], rows: int, size: int
) -> None:
    whole = b"".join(b"x" * length + b"\n" for length in lengths)
    text = RowText(cut(whole, sizes))
    sheets = taken(text, rows, size)
    assert b"".join(sheets) == whole
    assert text.rows == len(lengths)
    assert sheets == taken(RowText([whole] if whole else []), rows, size)
    for sheet in sheets[:-1]:
        assert sheet.endswith(b"\n")
        full = len(sheet) >= size > len(sheet) - len(sheet.splitlines()[-1]) - 1
        assert sheet.count(b"\n") == rows or full
    assert all(sheet.count(b"\n") <= rows for sheet in sheets)


def test_text_that_ends_inside_a_row_is_an_error() -> None:
    text = RowText([b"whole\n", b"half"])
    with pytest.raises(ValueError, match="inside a row"):
        taken(text, 10, 100)
