"""How the files of an export shall look: what an installation, a segment and a request say, one over the other."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, StringConstraints

SHEET_ROWS = 1_048_575  # data rows; Excel's 1 048 576 less the header (ECMA-376 part 1, 18.3.1.73)


class Profile(StrEnum):
    """A named set of CSV choices; each of them may be changed by itself."""

    MACHINE = "machine"  # RFC 4180: UTF-8, comma, point, ISO dates, values as they are
    EXCEL_RU = "excel-ru"  # opens by a double click in Russian Excel
    EXCEL_CP1251 = "excel-cp1251"  # the same for what reads no UTF-8


class Headers(StrEnum):
    """What the first line calls the columns."""

    NAMES = "names"
    RU = "ru"
    EN = "en"
    NONE = "none"


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class Encoding(StrEnum):
    UTF_8 = "utf-8"
    WINDOWS_1251 = "windows-1251"


class DateFormat(StrEnum):
    ISO = "iso"  # 2026-03-31, 2026-03-31 23:59:59
    DAY_FIRST = "dd.mm.yyyy"  # 31.03.2026, 31.03.2026 23:59:59


class Overflow(StrEnum):
    """Where the rows go that do not fit on a sheet."""

    SHEETS = "sheets"  # the next sheet of the same workbook
    WORKBOOKS = "workbooks"  # a ZIP of workbooks of one sheet each


class _Options(BaseModel):
    """JSON of one layer; None says nothing. Unknown keys and wrong types are refused with their place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def over(self, below: Self) -> Self:
        """These choices where they are made, those below where not."""
        made = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        for name, value in made.items():
            beneath = getattr(below, name)
            if isinstance(value, LAYERED) and beneath is not None:
                made[name] = value.over(beneath)
        return below.model_copy(update=made)

    def as_json(self) -> dict[str, Any]:
        """What is said and no more."""
        return self.model_dump(mode="json", exclude_none=True)


Whether = Annotated[bool, Strict()]


class CsvOptions(_Options):
    profile: Profile | None = Field(None, description="what the other keys are where they say nothing")
    delimiter: Literal[",", ";", "\t", "|"] | None = Field(None, description="between the values of a line")
    quote: Literal['"', "'"] | None = Field(None, description="around values that need it, doubled inside them")
    decimal_mark: Literal[".", ","] | None = None
    date_format: DateFormat | None = None
    bom: Whether | None = Field(None, description="begin with the UTF-8 byte order mark; UTF-8 only")
    line_end: Literal["crlf", "lf"] | None = None
    null_text: Annotated[str, StringConstraints(max_length=20, pattern=r"""^[^"',;|\x00-\x1f\x7f]*$""")] | None = Field(
        None, description="what stands for NULL, never quoted"
    )
    formula_guard: Whether | None = Field(
        None, description="an apostrophe before texts that a spreadsheet would read as a formula"
    )
    encoding: Encoding | None = None
    compression: Compression | None = None


class XlsxOptions(_Options):
    overflow: Overflow | None = None
    sheet_rows: Annotated[int, Strict(), Field(ge=1, le=SHEET_ROWS)] | None = Field(
        None, description="most data rows on a sheet"
    )
    about: Whether | None = Field(None, description="a last sheet that says what the file is")


class SplitOptions(_Options):
    """Several files: of at most `rows` rows each, or one for each value of `field`."""

    rows: Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)] | None = Field(
        None, description="most data rows in a file"
    )
    field: str | None = Field(None, description="one of the exported columns")


class AudiencePreset(_Options):
    """CSV as Yandex Audience takes CRM data: the fields of the dataset that hold the contacts of a user."""

    email: str | None = Field(None, description="field of the dataset")
    phone: str | None = Field(None, description="field of the dataset")
    external_id: Whether | None = Field(None, description="the user id as `external_id`")
    hashed: Whether | None = Field(None, description="SHA-256 of each e-mail and phone instead of themselves")


class ExportOptions(_Options):
    """One layer of choices."""

    csv: CsvOptions | None = None
    xlsx: XlsxOptions | None = None
    headers: Headers | None = Field(None, description="Parquet always has names")
    split: SplitOptions | None = Field(None, description="an empty object: one file, whatever is said below")
    yandex_audience: AudiencePreset | None = Field(None, description="an empty object: none, whatever is said below")

    @property
    def names_fields(self) -> bool:
        """Whether it has to do with the fields of a dataset."""
        return bool((self.split and self.split.field) or self.yandex_audience)


LAYERED = (CsvOptions, XlsxOptions)
_NOTHING = {"split": SplitOptions(), "yandex_audience": AudiencePreset()}

_EXCEL = CsvOptions(
    delimiter=";",
    quote='"',
    decimal_mark=",",
    date_format=DateFormat.DAY_FIRST,
    bom=True,
    line_end="crlf",
    null_text="",
    formula_guard=True,
    encoding=Encoding.UTF_8,
    compression=Compression.NONE,
)
PROFILES = {
    Profile.MACHINE: CsvOptions(
        delimiter=",",
        quote='"',
        decimal_mark=".",
        date_format=DateFormat.ISO,
        bom=False,
        line_end="crlf",
        null_text="",
        formula_guard=False,
        encoding=Encoding.UTF_8,
        compression=Compression.NONE,
    ),
    Profile.EXCEL_RU: _EXCEL,
    Profile.EXCEL_CP1251: _EXCEL.model_copy(update={"bom": False, "encoding": Encoding.WINDOWS_1251}),
}
DEFAULTS = ExportOptions(
    csv=CsvOptions(profile=Profile.MACHINE),
    xlsx=XlsxOptions(overflow=Overflow.SHEETS, sheet_rows=SHEET_ROWS, about=True),
    headers=Headers.NAMES,
)


def layered(*layers: ExportOptions | None) -> ExportOptions:
    """Later layers over earlier ones, as one layer.

    A layer that names another profile starts from that profile, not from what the layers before chose by themselves.
    """
    options = ExportOptions()
    for layer in layers:
        if layer is None:
            continue
        if layer.csv is not None and layer.csv.profile is not None:
            options = options.model_copy(update={"csv": None})
        options = layer.over(options)
    return options


def resolved(*layers: ExportOptions | None) -> ExportOptions:
    """What a request gets: the layers over our defaults; the CSV profile is spelled out.

    An encoding without a byte order mark takes away the one of the profile. Resolving again changes nothing.
    """
    options = layered(DEFAULTS, *layers)
    csv = options.csv or CsvOptions()
    whole = csv.over(PROFILES[csv.profile or Profile.MACHINE])
    if csv.bom is None and whole.encoding is not Encoding.UTF_8:
        whole = whole.model_copy(update={"bom": False})
    none = {name: None for name in ("split", "yandex_audience") if getattr(options, name) == _NOTHING[name]}
    return options.model_copy(update={"csv": whole, **none})
