"""Titles, widths, lines of text -> the XML of a sheet around its rows (ECMA-376 part 1, 18.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from segmentator_dagster.exports.xlsx.cell_text import ESCAPE, MOST_UNITS
from segmentator_dagster.exports.xlsx.package import MAIN, XML
from segmentator_dagster.exports.xlsx.styles import HEADER, LABEL, WRAPPED

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;", "\n": "&#10;"})
_FROZEN = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/><selection pane="bottomLeft"/>'
_ABOUT_WIDTHS = (24, 100)


def sheet_start(widths: Sequence[int], titles: Sequence[str] | None) -> str:
    """What stands before the data rows."""
    header = f"<row>{''.join(text_cell(title, HEADER) for title in titles)}</row>" if titles is not None else ""
    view = f'<sheetView workbookViewId="0">{_FROZEN}</sheetView>' if header else '<sheetView workbookViewId="0"/>'
    return f"{_start(view, widths)}{header}"


def sheet_end(filtered: str) -> str:
    """What stands after the data rows; `filtered` is the range of the filter, empty without one."""
    return f"</sheetData>{_auto_filter(filtered)}</worksheet>"


def filtered_range(columns: int, rows: int) -> str:
    """The header and `rows` data rows below it, like `$A$1:$G$101`."""
    return f"$A$1:${column_letters(columns)}${rows + 1}"


def about_sheet(lines: Sequence[tuple[str, str]]) -> str:
    """A whole sheet of labels and what they say."""
    rows = "".join(f"<row>{text_cell(label, LABEL)}{text_cell(value, WRAPPED)}</row>" for label, value in lines)
    return f"{sheet_start(_ABOUT_WIDTHS, None)}{rows}{sheet_end('')}"


def text_cell(text: str, style: int) -> str:
    """A cell of text, never a formula; what XML forbids becomes U+FFFD."""
    legal = _ILLEGAL.sub("\ufffd", text)[:MOST_UNITS]
    escaped = re.sub(ESCAPE, r"_x005F_\1", legal).translate(_ESCAPES)
    return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'


def column_letters(number: int) -> str:
    """1 -> A, 27 -> AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _start(view: str, widths: Sequence[int]) -> str:
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, start=1)
    )
    return f'{XML}<worksheet xmlns="{MAIN}"><sheetViews>{view}</sheetViews><cols>{columns}</cols><sheetData>'


def _auto_filter(filtered: str) -> str:
    return f'<autoFilter ref="{filtered.replace("$", "")}"/>' if filtered else ""
