import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.exports.delimited import RecordCounter, header_line

TEXT = st.text(alphabet='a",\n\r;ы', max_size=8)


def csv_text(rows: list[list[str]]) -> bytes:
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\r\n" for row in rows)
    return "".join(lines).encode()


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), max_size=12), st.integers(1, 7))
def test_records_are_counted_whatever_is_quoted_and_wherever_chunks_end(rows: list[list[str]], size: int) -> None:
    text = csv_text(rows)
    counter = RecordCounter()
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert b"".join(counter.counted(chunks)) == text
    assert counter.records == len(rows) == len(list(csv.reader(io.StringIO(text.decode(), newline=""))))


def test_header_names_survive_a_csv_reader() -> None:
    names = ["имя", 'a"b', "c,d"]
    assert next(csv.reader(io.StringIO(header_line(names).decode()))) == names
