"""Bytes in chunks -> the same bytes compressed, readable by any gunzip or unzstd.

ISA-L deflates at about 600 MB/s and a core where zlib's default does 40; both levels 1 pack CSV as well as those above
them that are still faster than the server renders.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Protocol, assert_never

from backports import zstd
from isal import isal_zlib

from segmentator_dagster.domain.export_options import Compression

_GZIP_MEMBER = 31  # zlib's wbits: the largest window, in a gzip header and trailer
_ZSTD: dict[int, int] = {zstd.CompressionParameter.compression_level: 1, zstd.CompressionParameter.checksum_flag: 1}


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def compressed(chunks: Iterable[bytes], compression: Compression) -> Generator[bytes]:
    match compression:
        case Compression.NONE:
            yield from chunks
        case Compression.GZIP:
            yield from _through(isal_zlib.compressobj(1, wbits=_GZIP_MEMBER), chunks)
        case Compression.ZSTD:
            yield from _through(zstd.ZstdCompressor(options=_ZSTD), chunks)
        case _:
            assert_never(compression)


def _through(compressor: _Compressor, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if packed := compressor.compress(chunk):
            yield packed
    yield compressor.flush()
