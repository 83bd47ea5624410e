"""Bytes of a text file, maybe gzipped, in whatever encoding -> a stream of UTF-8."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from segmentator_dagster.collection.problems import FILE_UNREADABLE

Encoding = Literal["utf-8", "cp1251"]
CHUNK_BYTES = 1 << 20
_BOM_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class TextFile:
    path: Path
    encoding: Encoding

    @classmethod
    def recognised(cls, path: Path) -> TextFile:
        """UTF-8, or cp1251 where the first megabyte that holds other than ASCII is mostly not UTF-8.

        UserError for UTF-16, binary data, and what cannot be read at all.
        """
        with _opened(path) as (binary, _):
            chunk = binary.read(CHUNK_BYTES)
            if chunk.startswith(_BOM_UTF16):
                raise FILE_UNREADABLE.error(reason="it is in UTF-16")
            if b"\0" in chunk[:4096]:
                raise FILE_UNREADABLE.error(reason="it is not a text file")
            while chunk and chunk.removeprefix(b"\xef\xbb\xbf").isascii():
                chunk = binary.read(CHUNK_BYTES)
        text = chunk.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        whole = sum(not character.isascii() for character in text) - broken
        return cls(path, "cp1251" if broken > whole else "utf-8")

    def beginning(self) -> str:
        """The first megabyte, without its BOM; undecodable bytes come as U+FFFD."""
        with _opened(self.path) as (binary, _):
            return _recoded(binary.read(CHUNK_BYTES), self.encoding).decode("utf-8-sig", "replace")

    @contextmanager
    def stream(self, tail: bytes = b"") -> Iterator[TextStream]:
        """The whole file as UTF-8 and then `tail`. Bytes that are not text stay as they are: invalid UTF-8."""
        with (
            _opened(self.path) as (binary, packed),
            TextStream(binary, packed, self.encoding, tail, self.path.stat().st_size) as stream,
        ):
            yield stream


class TextStream(io.BufferedReader):
    def __init__(self, binary: IO[bytes], packed: IO[bytes], encoding: Encoding, tail: bytes, size: int) -> None:
        super().__init__(_Recoder(binary, encoding, tail), CHUNK_BYTES)
        self._packed = packed
        self._size = size

    def fraction_read(self) -> float:
        """How much of the file on disk is consumed, 0 to 1."""
        return min(1.0, self._packed.tell() / max(self._size, 1))


class _Recoder(io.RawIOBase):
    def __init__(self, binary: IO[bytes], encoding: Encoding, tail: bytes) -> None:
        self._binary = binary
        self._encoding = encoding
        self._tail = tail
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._ready:
            chunk = _recoded(self._binary.read(CHUNK_BYTES), self._encoding)
            if not chunk:
                chunk, self._tail = self._tail, b""
            self._ready = memoryview(chunk)
        target = memoryview(buffer)
        count = min(len(target), len(self._ready))
        target[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _recoded(chunk: bytes, encoding: Encoding) -> bytes:
    if encoding == "utf-8":
        return chunk
    # 0x98 means nothing in cp1251: it goes through as it is and is found later as invalid UTF-8.
    return chunk.decode("cp1251", "surrogateescape").encode("utf-8", "surrogateescape")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The file's unpacked bytes and the file on disk; an unreadable file becomes a UserError."""
    try:
        with path.open("rb") as packed:
            if path.suffix.lower() != ".gz":
                yield packed, packed
                return
            with gzip.GzipFile(fileobj=packed) as unpacked:
                yield unpacked, packed  # type: ignore[misc]
    except (OSError, EOFError, zlib.error) as error:
        raise FILE_UNREADABLE.error(reason=str(error)) from error
