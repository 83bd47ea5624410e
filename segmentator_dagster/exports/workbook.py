"""Rows as SpreadsheetML -> the bytes of an XLSX file, in one pass and constant memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

SHEET_ROWS = 1_048_575  # data rows; Excel's 1 048 576 less the header
SHEET_BYTES = 3 << 30  # below 4 GiB a part needs no zip64 record, which not every reader takes from a stream
ROW_END = b"</row>"

_HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_STYLES = (
    f'{_HEADER}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass
class _Sink(io.RawIOBase):
    """Where the zip writer puts its bytes until they are taken."""

    parts: list[bytes] = field(default_factory=list)

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


@dataclass
class Workbook:
    """One workbook in the making. After `stream` is exhausted, `rows` says how many data rows are in it."""

    headers: Sequence[str]
    sheet_rows: int = SHEET_ROWS
    sheet_bytes: int = SHEET_BYTES
    rows: int = 0

    def stream(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """`<row>…</row>` text in chunks of any size -> the file. Whole sheets only: no row is split or lost."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            # Entries are opened by name: that gives them a fixed date, so the same rows are the same bytes.
            sheets = 0
            source = _Rows(chunks)
            while sheets == 0 or source.more():
                sheets += 1
                with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w") as part:
                    part.write(self._sheet_start())
                    for text, rows in source.take(self.sheet_rows, self.sheet_bytes):
                        part.write(text)
                        self.rows += rows
                        yield sink.take()
                    part.write(b"</sheetData></worksheet>")
            for name, document in _package(sheets):
                with archive.open(name, "w") as part:
                    part.write(document.encode())
        yield sink.take()

    def _sheet_start(self) -> bytes:
        cells = "".join(
            f'<c s="3" t="inlineStr"><is><t xml:space="preserve">{escape(name)}</t></is></c>' for name in self.headers
        )
        return (
            f'{_HEADER}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
            '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
            f'<cols><col min="1" max="{len(self.headers)}" width="20" customWidth="1"/></cols>'
            f"<sheetData><row>{cells}</row>"
        ).encode()


class _Rows:
    """A stream of row text that can be cut after a whole row."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._pending = b""

    def more(self) -> bool:
        """Whether there is any text left."""
        while not self._pending:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._pending = chunk
        return True

    def take(self, rows: int, size: int) -> Iterator[tuple[bytes, int]]:
        """Text with the number of row ends in it, until `rows` rows or about `size` bytes were given."""
        while rows > 0 and size > 0 and self.more():
            text, self._pending = self._pending, b""
            end = text.rfind(ROW_END) + len(ROW_END)
            if end < len(ROW_END):  # not one whole row: wait for more
                following = next(self._chunks, None)
                if following is None:
                    raise ValueError("the row text ends inside a row")
                self._pending = text + following
                continue
            whole, self._pending = text[:end], text[end:]
            count = whole.count(ROW_END)
            if count > rows:
                cut = _end_of_row(whole, rows)
                whole, self._pending = whole[:cut], whole[cut:] + self._pending
                count = rows
            rows -= count
            size -= len(whole)
            yield whole, count


def _end_of_row(text: bytes, rows: int) -> int:
    position = 0
    for _ in range(rows):
        position = text.index(ROW_END, position) + len(ROW_END)
    return position


def _package(sheets: int) -> Iterator[tuple[str, str]]:
    numbers = range(1, sheets + 1)
    yield (
        "xl/workbook.xml",
        f'{_HEADER}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
        + "".join(f'<sheet name="{sheet_name(n)}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        + "</sheets></workbook>",
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_HEADER}<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in numbers
        )
        + f'<Relationship Id="rId{sheets + 1}" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    )
    yield "xl/styles.xml", _STYLES
    yield (
        "_rels/.rels",
        f'{_HEADER}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    )
    yield (
        "[Content_Types].xml",
        f'{_HEADER}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPES}.styles+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPES}.worksheet+xml"/>' for n in numbers
        )
        + "</Types>",
    )


def sheet_name(number: int) -> str:
    return "Data" if number == 1 else f"Data {number}"
