"""Chunks of bytes -> the same chunks, measured on their way into an object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from segmentator_dagster.domain.errors import Category, ProblemKind

OBJECT_TOO_LARGE = ProblemKind(
    "object_too_large",
    Category.TOO_LARGE,
    en="The file is larger than {gigabytes} GB, the most that one object can hold.",
    ru="Файл больше {gigabytes} ГБ — это предел для одного объекта.",
    hint_en="Split the export into files of fewer rows.",
    hint_ru="Разбейте выгрузку на файлы с меньшим числом строк.",
)

PART_BYTES = 8 << 20
MOST_BYTES = 10_000 * PART_BYTES  # S3 takes 10 000 parts
_GIGABYTE = 10**9


class UploadSource:
    """How many bytes have gone by, whether that was all, and the exception they ended with."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.bytes = 0
        self.ended = False
        self.failure: BaseException | None = None

    def first_part(self) -> list[bytes]:
        """Chunks of a part and the one that goes beyond it; everything, where `ended` then says so."""
        first = []
        for chunk in self.rest():
            first.append(chunk)
            if self.bytes > PART_BYTES:
                break
        return first

    def rest(self) -> Iterator[bytes]:
        """What has not gone by. UserError object_too_large where it would not fit into one object."""
        try:
            for chunk in self._chunks:
                self.bytes += len(chunk)
                if self.bytes > MOST_BYTES:
                    raise OBJECT_TOO_LARGE.error(gigabytes=MOST_BYTES // _GIGABYTE)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            self.failure = error
            raise
        self.ended = True
