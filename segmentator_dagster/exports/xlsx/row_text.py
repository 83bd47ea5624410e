"""Row text in chunks of any size -> the same text, sheet by sheet; rows counted from the text itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segmentator_dagster.exports.line_feeds import line_feeds

_ROW_END = b"\n"  # values have none: it stands escaped in them


class RowText:
    """Lines of one row each. `rows` is how many of them went by."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.rows = 0
        self._chunks = iter(chunks)
        self._pending = b""
        self._at_row_end = True

    def more(self) -> bool:
        """Whether there is any text left; ValueError where it has ended inside a row."""
        while not self._pending:
            chunk = next(self._chunks, None)
            if chunk is None:
                if not self._at_row_end:
                    raise ValueError("the row text ends inside a row")
                return False
            self._pending = chunk
        return True

    def take(self, rows: int, size: int) -> Iterator[bytes]:
        """The text of the next `rows` rows, or of fewer: up to the first row end at or after `size` bytes."""
        while self.more():
            chunk, self._pending = self._pending, b""
            count = line_feeds(chunk)
            end = _end(chunk, rows, size) if count >= rows or len(chunk) >= size else 0
            if end:
                chunk, self._pending = chunk[:end], chunk[end:]
                count = line_feeds(chunk)
            self._at_row_end = chunk.endswith(_ROW_END)
            self.rows += count
            yield chunk
            if end:
                return
            rows, size = rows - count, size - len(chunk)


def _end(chunk: bytes, rows: int, size: int) -> int:
    """How much of the chunk the sheet takes where it ends in it, else 0."""
    ends = [chunk.find(_ROW_END, max(size - 1, 0)) + 1, _end_of_row(chunk, rows)]
    return min((end for end in ends if end), default=0)


def _end_of_row(chunk: bytes, row: int) -> int:
    """Where the row of that number, from 1, ends; 0 where there are fewer."""
    end = 0
    for _ in range(row):
        end = chunk.find(_ROW_END, end) + 1
        if end == 0:
            break
    return end
