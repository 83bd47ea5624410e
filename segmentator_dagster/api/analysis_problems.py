"""The vocabulary of refusals of questions about audiences."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.problems import kind_of

SUPERSEDED = ProblemKind(
    "superseded",
    Category.CONFLICT,
    en="A newer question of the same editor took the place of this one.",
    ru="Более новый вопрос из того же редактора вытеснил этот.",
    hint_en="Wait for the answer to the newer one; `X-Editor` says which questions belong together.",
    hint_ru="Дождитесь ответа на новый вопрос; какие вопросы относятся друг к другу, говорит `X-Editor`.",
)
BAD_EDITOR = kind_of(
    "bad_editor",
    "X-Editor must be 1 to 64 of the characters A–Z, a–z, 0–9, `.`, `_`, `-`.",
    "X-Editor — это от 1 до 64 знаков из A–Z, a–z, 0–9, `.`, `_`, `-`.",
    "A UUID made when the editor opens is a good value.",
    "Подойдёт UUID, созданный при открытии редактора.",
)
NO_BREAKDOWN = kind_of(
    "no_breakdown",
    "The field `{name}` has several values in one row, so users cannot be divided by it.",
    "В поле `{name}` в одной строке несколько значений, разбить пользователей по нему нельзя.",
    "Its values and their frequency: `GET /datasets/{{dataset}}/fields/{{field}}/values`.",
    "Его значения и их частота: `GET /datasets/{{dataset}}/fields/{{field}}/values`.",
)
