"""Lists as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.lists import ColumnChoice, ListDraft, ListView
from segmentator_dagster.api.schemas.broken import UsedByOut
from segmentator_dagster.api.schemas.queries import Plain
from segmentator_dagster.api.schemas.sharing import EXAMPLE_PERSON, NamedOut, VisibilityOf
from segmentator_dagster.api.uploads import CONTENT_TYPES
from segmentator_dagster.domain.segment import Visibility
from segmentator_dagster.domain.uploaded_list import Mode
from segmentator_dagster.storage.metadata.pages import Page

_EXAMPLE_LIST: dict[str, Any] = {
    "id": 5,
    "name": "Закрытая группа",
    "description": "",
    "dataset": "user_activity",
    "field": None,
    "items": 4100,
    "matched": 4020,
    "unmatched": 80,
    "version": 2,
    "owner": EXAMPLE_PERSON,
    "visibility": "team",
    "created_at": "2026-01-30T09:00:00.000000Z",
    "updated_at": "2026-01-31T09:59:00.000000Z",
    "report": {
        "mode": "append",
        "format": "csv",
        "column": "user_id",
        "header_line": 1,
        "encoding": "utf-8",
        "delimiter": ";",
        "rows": 130,
        "empty": 2,
        "empty_lines": [17, 90],
        "duplicates": 8,
        "already": 20,
        "added": 100,
    },
    "used_by": [{"id": 17, "name": "iOS, мартовская когорта"}],
    "links": {"items": "/api/v1/lists/5/items", "unmatched": "/api/v1/lists/5/unmatched"},
}
_FILE_EXAMPLES = {"text/csv": "user_id;name\nu1;Анна\nu2;Борис\n", "text/plain": "u1\nu2\n"}
FILE_BODY: dict[str, Any] = {
    "required": True,
    "description": "the file itself, at most `SEGMENTATOR_UPLOAD_MEGABYTES`; CSV and text may be gzipped",
    "content": {
        kind: {
            "schema": {"type": "string", "format": "binary"},
            **({"example": _FILE_EXAMPLES[kind]} if kind in _FILE_EXAMPLES else {}),
        }
        for kind in CONTENT_TYPES
    },
}


class _ChoiceQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    column: Plain | None = Field(
        None, max_length=255, description="the column with the ids: its name, or its number from 1 without a header"
    )
    header: bool | None = Field(
        None, description="whether the first row is a header; unsaid: it is in CSV and XLSX, not in text"
    )

    def choice(self) -> ColumnChoice:
        return ColumnChoice(self.column, self.header)


class NewListQuery(_ChoiceQuery):
    name: Plain = Field(
        max_length=1000,
        description="1 to 50 characters, unique among live lists whatever the case",
        examples=["Закрытая группа, март"],
    )
    description: Plain = Field("", max_length=10_000, description="at most 2000 characters")
    dataset: Plain | None = Field(None, max_length=63, description="what it is compared with; unsaid: the default")
    field: Plain | None = Field(None, max_length=255, description="a field of the dataset; unsaid: its user key")

    visibility: VisibilityOf = Visibility.PRIVATE

    def draft(self) -> ListDraft:
        return ListDraft(self.name, self.dataset, self.field, self.description)


class ListItemsQuery(_ChoiceQuery):
    mode: Mode = Field(description="whether the ids take the place of those there are, or are added to them")


class ListPatch(BaseModel):
    """The keys that shall change. Those that are not there stay as they are."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"name": "Закрытая группа, март"}]}
    )

    name: Annotated[str | None, Field(description="1 to 50 characters, unique among live lists")] = None
    description: Annotated[str | None, Field(description="at most 2000 characters")] = None


class UploadReportOut(BaseModel):
    mode: str = Field(description="`replace` (a new list too) or `append`")
    format: str = Field(description="csv, text, xlsx")
    column: str = Field(description="the column taken: its name, or its number without a header")
    header_line: int | None = Field(description="the line taken for a header; null: none")
    encoding: str | None = Field(description="utf-8 or cp1251; null for XLSX")
    delimiter: str | None = Field(description="null but for CSV")
    rows: int = Field(description="rows read, the header apart; the sum of empty, duplicates, already and added")
    empty: int = Field(description="cells with nothing but white space, left out")
    empty_lines: list[int] = Field(description="the lines of the first few of them")
    duplicates: int = Field(description="rows that repeat an earlier one of the file")
    already: int = Field(description="ids that were in the list before (append)")
    added: int = Field(description="ids that were not")


class ListLinks(BaseModel):
    items: str = Field(description="all ids as CSV")
    unmatched: str = Field(description="those that the dataset does not know now, as CSV")


class ListOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_LIST]})

    id: int
    name: str
    description: str
    dataset: str = Field(description="what it was compared with")
    field: str | None = Field(description="null: its user key")
    items: int = Field(description="different ids; white space around them does not count, case does")
    matched: int | None = Field(description="how many the dataset knew at the last upload; null: it could not be asked")
    unmatched: int | None
    version: int = Field(description="every upload makes the next one")
    owner: NamedOut | None = Field(description="null: made before there were people")
    visibility: VisibilityOf
    created_at: datetime
    updated_at: datetime
    report: UploadReportOut = Field(description="what the last upload found")
    used_by: list[UsedByOut] = Field(description="live segments whose rule refers to it")
    links: ListLinks

    @classmethod
    def of(cls, view: ListView) -> Self:
        one, label, contents = view.list, view.list.label, view.list.contents
        report, recognised = contents.report, contents.report.recognised
        return cls(
            id=one.id,
            name=label.name,
            description=label.description,
            dataset=label.dataset,
            field=label.field,
            items=contents.items,
            matched=contents.matched,
            unmatched=contents.unmatched,
            version=one.version,
            owner=NamedOut.of(view.owner),
            visibility=one.visibility,
            created_at=one.created_at,
            updated_at=one.updated_at,
            report=UploadReportOut(
                mode=report.mode.value,
                format=recognised.format,
                column=recognised.column,
                header_line=recognised.header_line,
                encoding=recognised.encoding,
                delimiter=recognised.delimiter,
                rows=report.rows,
                empty=report.empty,
                empty_lines=list(report.empty_lines),
                duplicates=report.duplicates,
                already=report.already,
                added=report.added,
            ),
            used_by=[UsedByOut.of(dependent) for dependent in view.used_by],
            links=ListLinks(items=f"/api/v1/lists/{one.id}/items", unmatched=f"/api/v1/lists/{one.id}/unmatched"),
        )


class ListsPageOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_LIST], "next_cursor": None}]})

    items: list[ListOut]
    next_cursor: str | None = Field(description="give it as `cursor` for the next page; null: this was the last one")

    @classmethod
    def of(cls, page: Page[ListView]) -> Self:
        return cls(items=[ListOut.of(view) for view in page.items], next_cursor=page.next_cursor)
