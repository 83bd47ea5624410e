"""Contents of any size -> a ZIP archive in one pass, deflated by ISA-L on all cores; the same contents, the same bytes.

A content is cut into blocks, each deflated by itself up to a byte boundary, so that the blocks one after the other are
one deflate stream. An entry stays below 4 GiB; the archive may grow beyond (APPNOTE.TXT 6.3.10, 4.3 and 4.5.3).
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from isal import isal_zlib

BLOCK = 256 << 10  # raw, deflated and read again within a core's own cache
_LEVEL = 1
_RAW = -15  # zlib's wbits: the largest window, no header
_LAST_BLOCK = b"\x03\x00"  # deflate: an empty block with the mark of the last one
_DEFLATED = 8
_SIZES_FOLLOW, _UTF_8 = 1 << 3, 1 << 11
_VERSION, _VERSION_64 = 20, 45
_DATE_1980 = 0, (1 << 5) | 1  # the oldest date there is: the file must not depend on the clock
_LARGEST = 0xFFFFFFFF
_MOST_ENTRIES = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Entry:
    name: bytes
    flags: int
    crc: int
    packed: int
    size: int
    offset: int


class ZipStream:
    """An archive in the making; `position` is how many bytes of it were given. `depth` blocks are in work at a time."""

    def __init__(self, pool: Executor, depth: int) -> None:
        self.position = 0
        self._pool = pool
        self._depth = depth
        self._entries: list[_Entry] = []

    def entry(self, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
        """The bytes of one more entry; to be read to the end before the next. ValueError where it reaches 4 GiB."""
        encoded = name.encode()
        flags = _SIZES_FOLLOW | (0 if name.isascii() else _UTF_8)
        offset, crc, size = self.position, 0, 0
        yield self._given(
            struct.pack("<4s5H3I2H", b"PK\3\4", _VERSION, flags, _DEFLATED, *_DATE_1980, 0, 0, 0, len(encoded), 0)
            + encoded
        )
        start = self.position
        pending: deque[Future[bytes]] = deque()
        for block in blocks(content):
            crc, size = isal_zlib.crc32(block, crc), size + len(block)
            pending.append(self._pool.submit(_deflated, block))
            if len(pending) >= self._depth:
                yield self._given(pending.popleft().result())
        for work in pending:
            yield self._given(work.result())
        yield self._given(_LAST_BLOCK)
        packed = self.position - start
        if max(size, packed) >= _LARGEST:
            raise ValueError(f"{name} is too large for an entry")
        self._entries.append(_Entry(encoded, flags, crc, packed, size, offset))
        yield self._given(struct.pack("<4s3I", b"PK\7\x08", crc, packed, size))

    def end(self) -> bytes:
        """The directory of the archive, its last bytes."""
        start = self.position
        directory = b"".join(_directory_record(entry) for entry in self._entries)
        return self._given(directory + _end_records(len(self._entries), len(directory), start))

    def _given(self, data: bytes) -> bytes:
        self.position += len(data)
        return data


def blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of BLOCK bytes, the last one as long as it is: how they come must not show in a file."""
    held: list[bytes] = []
    length = 0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= BLOCK:
            text = b"".join(held)
            whole = length - length % BLOCK
            for start in range(0, whole, BLOCK):
                yield text[start : start + BLOCK]
            held, length = [text[whole:]], length - whole
    if length:
        yield b"".join(held)


def _deflated(block: bytes) -> bytes:
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
    return compressor.compress(block) + compressor.flush(isal_zlib.Z_SYNC_FLUSH)


def _directory_record(entry: _Entry) -> bytes:
    far = entry.offset >= _LARGEST
    extra = struct.pack("<2HQ", 1, 8, entry.offset) if far else b""
    version = _VERSION_64 if far else _VERSION
    numbers = (version, version, entry.flags, _DEFLATED, *_DATE_1980, entry.crc, entry.packed, entry.size)
    place = (len(entry.name), len(extra), 0, 0, 0, 0, min(entry.offset, _LARGEST))
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *numbers, *place) + entry.name + extra


def _end_records(entries: int, size: int, start: int) -> bytes:
    records = b""
    if max(size, start) >= _LARGEST or entries >= _MOST_ENTRIES:
        records = struct.pack(
            "<4sQ2H2I4Q", b"PK\6\6", 44, _VERSION_64, _VERSION_64, 0, 0, entries, entries, size, start
        ) + struct.pack("<4sIQI", b"PK\6\7", 0, start + size, 1)
    count = min(entries, _MOST_ENTRIES)
    return records + struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, count, count, min(size, _LARGEST), min(start, _LARGEST), 0
    )
