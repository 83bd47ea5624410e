"""Tables like extracts in a real ClickHouse, the workbooks made of them, and what other programs read in those."""

from __future__ import annotations

import io
import os
import subprocess
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pandas as pd
from python_calamine import CalamineWorkbook

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, field_type, is_nullable
from segmentator_dagster.domain.export_options import DEFAULTS, XlsxOptions
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.xlsx.workbook import XlsxFile
from segmentator_dagster.storage.clickhouse import ClickHouse

SOFFICE = os.environ.get("SEGMENTATOR_TEST_SOFFICE", "")  # the path of LibreOffice, where it is there
OPTIONS = DEFAULTS.xlsx or XlsxOptions()
DATABASE = "segmentator"
Row = list[Any]


def table(admin: ClickHouse, types: Sequence[str], rows: str = "", time_zone: str = "UTC") -> Source:
    """Columns c0 (text), c1, … of these types, filled by an INSERT source."""
    name = f"x{uuid.uuid4().hex[:12]}"
    whole = ["String", *types]
    columns = ", ".join(f"c{index} {type_}" for index, type_ in enumerate(whole))
    settings = "SETTINGS ratio_of_defaults_for_sparse_serialization = 1"
    admin.execute(
        CompiledQuery(f"CREATE TABLE {DATABASE}.{name} ({columns}) ENGINE = MergeTree ORDER BY c0 {settings}")
    )
    if rows:
        admin.execute(CompiledQuery(f"INSERT INTO {DATABASE}.{name} {rows}"))
    fields = [Field(f"n{index}", field_type(type_), type_, is_nullable(type_)) for index, type_ in enumerate(whole)]
    count = admin.scalar(CompiledQuery(f"SELECT count() FROM {DATABASE}.{name}"))
    return Source(DATABASE, name, fields, count, time_zone)


def names(source: Source) -> list[str]:
    return [field.name for field in source.fields]


def workbook(clickhouse: ClickHouse, source: Source, options: XlsxOptions = OPTIONS, **more: Any) -> bytes:
    """The file of a source, with the names of its fields as titles unless others are given."""
    file = XlsxFile(source, options, more.pop("titles", names(source)), **more)
    data = b"".join(file.stream(clickhouse, {}))
    assert file.rows == source.rows
    return data


def sheets(data: bytes) -> list[list[Row]]:
    """The data rows of every sheet as openpyxl reads them."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return [[list(row) for row in sheet.iter_rows(min_row=2, values_only=True)] for sheet in book]


def part(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return archive.read(name).decode()


def by_openpyxl(data: bytes, _folder: Path) -> list[Row]:
    return sheets(data)[0]


def by_openpyxl_read_only(data: bytes, _folder: Path) -> list[Row]:
    sheet = openpyxl.load_workbook(io.BytesIO(data), read_only=True).worksheets[0]
    return [list(row) for row in sheet.iter_rows(min_row=2, values_only=True)]


def by_calamine(data: bytes, _folder: Path) -> list[Row]:
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()[1:]
    return [[_moment(value) for value in row] for row in rows]


def by_pandas(data: bytes, _folder: Path) -> list[Row]:
    frame = pd.read_excel(io.BytesIO(data), engine="openpyxl", dtype=object, keep_default_na=False, na_values=[])
    return [[None if value == "" else _moment(value) for value in row] for row in frame.itertuples(index=False)]


def by_libreoffice(data: bytes, folder: Path) -> list[Row]:
    """Out of LibreOffice's own flat format, which has the values and not how they are shown."""
    (folder / "file.xlsx").write_bytes(data)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [SOFFICE, profile, "--headless", "--convert-to", "fods", "--outdir", str(folder), "file.xlsx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    body = ET.parse(folder / "file.fods").getroot()
    first = next(body.iter(f"{{{_TABLE}}}table"))
    header, *rows = [_libre_row(row) for row in first.iter(f"{{{_TABLE}}}table-row")]
    return [row + [None] * (len(header) - len(row)) for row in rows]


READERS: Mapping[str, Callable[[bytes, Path], list[Row]]] = {
    "openpyxl": by_openpyxl,
    "openpyxl-read-only": by_openpyxl_read_only,
    "calamine": by_calamine,
    "pandas": by_pandas,
} | ({"libreoffice": by_libreoffice} if SOFFICE else {})

_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_TEXT = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"


def _moment(value: Any) -> Any:
    """Days as moments, like openpyxl: the format of a cell does not tell them apart everywhere."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  cells have no zone
    return value


def _libre_row(row: ET.Element) -> Row:
    values: Row = []
    for cell in row:
        repeated = int(cell.get(f"{{{_TABLE}}}number-columns-repeated", "1"))
        if repeated < 1000:  # the rest of the sheet
            values += [_libre_value(cell)] * repeated
    return values


def _libre_value(cell: ET.Element) -> Any:
    match cell.get(f"{{{_OFFICE}}}value-type"):
        case "float":
            return float(cell.get(f"{{{_OFFICE}}}value", ""))
        case "boolean":
            return cell.get(f"{{{_OFFICE}}}boolean-value") == "true"
        case "date":
            moment = datetime.fromisoformat(cell.get(f"{{{_OFFICE}}}date-value", "")[:26])
            return moment + timedelta(microseconds=500) - timedelta(microseconds=(moment.microsecond + 500) % 1000)
        case "string":
            return "\n".join("".join(_libre_text(line)) for line in cell.iter(f"{{{_TEXT}}}p"))
    return None


def _libre_text(node: ET.Element) -> Iterator[str]:
    yield node.text or ""
    for child in node:
        if child.tag == f"{{{_TEXT}}}s":
            yield " " * int(child.get(f"{{{_TEXT}}}c", "1"))
        elif child.tag == f"{{{_TEXT}}}tab":
            yield "\t"
        else:
            yield from _libre_text(child)
        yield child.tail or ""
