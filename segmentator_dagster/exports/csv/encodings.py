"""UTF-8 text in chunks -> the same text in the encoding of the file; what that has no character for becomes `?`.

Python does it: convertCharset of ClickHouse writes 0x1A instead, which texts may hold too, and costs the server more
than a third of its time for a row; here it runs beside the server.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import assert_never

from segmentator_dagster.domain.export_options import Encoding
from segmentator_dagster.exports.text_sql import literal


def encoded(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Chunks may end inside a character."""
    match encoding:
        case Encoding.UTF_8:
            yield from chunks
        case Encoding.WINDOWS_1251:
            decoder = codecs.getincrementaldecoder("utf-8")()
            for chunk in chunks:
                yield decoder.decode(chunk).encode(encoding, "replace")
            yield decoder.decode(b"", final=True).encode(encoding, "replace")
        case _:
            assert_never(encoding)


def unencodable(text_sql: str, encoding: Encoding) -> str | None:
    """SQL that is 1 where a text has a character that the encoding has not; None where it has all."""
    if encoding is Encoding.UTF_8:
        return None
    characters = "".join(bytes([byte]).decode(encoding, "ignore") for byte in range(0x80, 0x100))
    return f"match({text_sql}, {literal(f'[^{chr(92)}x00-{chr(92)}x7f{characters}]')})"
