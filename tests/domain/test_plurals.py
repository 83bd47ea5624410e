from __future__ import annotations

import pytest

from segmentator_dagster.domain.plurals import Noun

ROW = Noun("строка", "строк", "строки", "строки", "строк")


@pytest.mark.parametrize(
    ("number", "nominative", "genitive"),
    [
        (0, "строк", "строк"),
        (1, "строка", "строки"),
        (2, "строки", "строк"),
        (4, "строки", "строк"),
        (5, "строк", "строк"),
        (11, "строк", "строк"),
        (12, "строк", "строк"),
        (14, "строк", "строк"),
        (21, "строка", "строки"),
        (24, "строки", "строк"),
        (25, "строк", "строк"),
        (111, "строк", "строк"),
        (112, "строк", "строк"),
        (122, "строки", "строк"),
        (-1, "строка", "строки"),
        (1.0, "строка", "строки"),
        (2.5, "строки", "строки"),
    ],
)
def test_russian_nouns_agree_with_their_numbers(number: float, nominative: str, genitive: str) -> None:
    assert ROW.form(number, "ru") == nominative
    assert ROW.genitive(number, "ru") == genitive


@pytest.mark.parametrize(("number", "form"), [(0, "rows"), (1, "row"), (1.5, "rows"), (2, "rows"), (21, "rows")])
def test_english_nouns_agree_with_their_numbers(number: float, form: str) -> None:
    assert Noun("row", "rows").form(number, "en") == form
    assert Noun("row", "rows").genitive(number, "en") == form
