"""Sheets of a workbook -> the other parts of its package (ECMA-376 part 1, 12 and 18.2; part 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument"
_CREATOR = "Segmentator"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet that is written. `filtered` is the range of its filter, like `$A$1:$G$101`; empty without one."""

    name: str
    filtered: str = ""


def sheet_part(number: int) -> str:
    """Where the sheet of that number, from 1, is in the package."""
    return f"xl/worksheets/sheet{number}.xml"


def package_parts(sheets: Sequence[Sheet], styles: str) -> Iterator[tuple[str, str]]:
    """Name and text of each part that is no sheet."""
    # It brings NumPy, which starts threads when it is imported, and processes fork after this module was.
    from openpyxl.writer.theme import theme_xml  # noqa: PLC0415

    numbers = range(1, len(sheets) + 1)
    yield "xl/workbook.xml", _workbook(sheets)
    yield "xl/styles.xml", styles
    yield "xl/theme/theme1.xml", theme_xml
    links = [(f"{_OFFICE}/relationships/worksheet", f"worksheets/sheet{number}.xml") for number in numbers]
    yield (
        "xl/_rels/workbook.xml.rels",
        _relationships(
            [
                *links,
                (f"{_OFFICE}/relationships/theme", "theme/theme1.xml"),
                (f"{_OFFICE}/relationships/styles", "styles.xml"),
            ]
        ),
    )
    yield (
        "docProps/core.xml",
        f'{XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>{_CREATOR}</dc:creator></cp:coreProperties>',
    )
    yield (
        "docProps/app.xml",
        f'{XML}<Properties xmlns="{_OFFICE}/extended-properties"><Application>{_CREATOR}</Application></Properties>',
    )
    yield (
        "_rels/.rels",
        _relationships(
            [
                (f"{_OFFICE}/relationships/officeDocument", "xl/workbook.xml"),
                (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
                (f"{_OFFICE}/relationships/extended-properties", "docProps/app.xml"),
            ]
        ),
    )
    yield "[Content_Types].xml", _content_types(numbers)


def _workbook(sheets: Sequence[Sheet]) -> str:
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, sheet in enumerate(sheets, start=1)
    )
    filters = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{index}" hidden="1">'
        f"{escape(_quoted(sheet.name))}!{sheet.filtered}</definedName>"
        for index, sheet in enumerate(sheets)
        if sheet.filtered
    )
    names = f"<definedNames>{filters}</definedNames>" if filters else ""
    return (
        f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{_OFFICE}/relationships"><bookViews><workbookView/></bookViews>'
        f"<sheets>{listed}</sheets>{names}</workbook>"
    )


def _quoted(sheet: str) -> str:
    return "'" + sheet.replace("'", "''") + "'"


def _relationships(links: Sequence[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(links, start=1)
    )
    return f'{XML}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _content_types(numbers: Sequence[int]) -> str:
    types = {
        "/xl/workbook.xml": f"{_TYPES}.spreadsheetml.sheet.main+xml",
        "/xl/styles.xml": f"{_TYPES}.spreadsheetml.styles+xml",
        "/xl/theme/theme1.xml": f"{_TYPES}.theme+xml",
        **{f"/{sheet_part(number)}": f"{_TYPES}.spreadsheetml.worksheet+xml" for number in numbers},
        "/docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        "/docProps/app.xml": f"{_TYPES}.extended-properties+xml",
    }
    listed = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in types.items())
    return (
        f'{XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{listed}</Types>'
    )
