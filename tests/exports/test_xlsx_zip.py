import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.exports.xlsx.zip_stream import BLOCK, ZipStream
from tests.exports.test_xlsx_rows import cut


def archive_of(contents: dict[str, list[bytes]], workers: int = 2, depth: int = 4) -> bytes:
    with ThreadPoolExecutor(workers) as pool:
        archive = ZipStream(pool, depth)
        data = b"".join(b"".join(archive.entry(name, content)) for name, content in contents.items())
        return data + archive.end()


@given(
    content=st.binary(max_size=3000), repeat=st.integers(1, 300), sizes=st.lists(st.integers(1, 200_000), max_size=9)
)
def test_what_goes_in_comes_out_and_how_it_was_cut_does_not_show(content: bytes, repeat: int, sizes: list[int]) -> None:
    whole = content * repeat
    data = archive_of({"a.xml": cut(whole, sizes), "b.xml": [b"b"]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.xml", "b.xml"]
        assert archive.read("a.xml") == whole
    assert data == archive_of({"a.xml": [whole], "b.xml": [b"b"]}, workers=1, depth=1)


def test_the_clock_is_not_in_the_file_and_names_may_be_cyrillic() -> None:
    with zipfile.ZipFile(io.BytesIO(archive_of({"Сегмент 1.xlsx": [b"x"], "a": []}))) as archive:
        assert archive.namelist() == ["Сегмент 1.xlsx", "a"]
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert [bool(entry.flag_bits & 0x800) for entry in archive.infolist()] == [True, False]


def test_an_archive_that_grows_beyond_four_gigabytes_is_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, (tmp_path / "large.zip").open("wb") as file:
        archive = ZipStream(pool, 1)
        for number, start in enumerate((0, (1 << 32) - 30, 5 << 30)):  # the file has holes where entries would be
            archive.position = max(start, archive.position)
            file.seek(archive.position)
            file.write(b"".join(archive.entry(f"{number}", [b"content %d" % number])))
        file.write(archive.end())
    with zipfile.ZipFile(tmp_path / "large.zip") as archive_:
        assert archive_.testzip() is None
        assert [archive_.read(name) for name in archive_.namelist()] == [b"content 0", b"content 1", b"content 2"]
        assert archive_.infolist()[2].header_offset == 5 << 30


def test_more_entries_than_the_plain_directory_counts_are_all_there() -> None:
    contents: dict[str, list[bytes]] = {str(number): [] for number in range(0x10001)}
    with zipfile.ZipFile(io.BytesIO(archive_of(contents))) as archive:
        assert len(archive.namelist()) == 0x10001


@pytest.mark.slow
def test_an_entry_that_reaches_four_gigabytes_is_refused() -> None:
    block = bytes(BLOCK)
    with ThreadPoolExecutor(4) as pool, pytest.raises(ValueError, match="too large"):
        for _ in ZipStream(pool, 16).entry("large", (block for _ in range((1 << 32) // BLOCK))):
            pass
