"""One text in both languages, as JSON."""

from __future__ import annotations

from pydantic import BaseModel


class TextOut(BaseModel):
    ru: str
    en: str
