"""The people whom the emulator knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from segmentator_dagster.settings import FIRST_ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Account:
    """A person as Yandex ID knows them; `note_ru` and `note_en` are for whoever chooses an account on the page."""

    id: str
    login: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    sex: Literal["male", "female"] | None = None
    birthday: str | None = None
    phone: str = ""
    has_avatar: bool = True
    note_ru: str = ""
    note_en: str = ""

    @property
    def real_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def display_name(self) -> str:
        return self.real_name or self.login

    @property
    def avatar_id(self) -> str:
        """Id of the picture, which does not change with login or e-mail; Yandex's own for nobody's picture is 0/0-0."""
        if not self.has_avatar:
            return "0/0-0"
        digest = hashlib.sha256(f"avatar {self.id}".encode()).hexdigest()
        return f"{int(digest[:4], 16)}/{digest[4:20]}-{self.id}"


ACCOUNTS = (
    Account(
        "1000000001",
        FIRST_ADMINISTRATOR,
        "Анна",
        "Смирнова",
        "anna.smirnova@yandex.ru",
        "female",
        "1986-04-17",
        "+79161234501",
        note_ru="Первый администратор",
        note_en="The first administrator",
    ),
    Account(
        "1000000002",
        "dmitry.kuznetsov",
        "Дмитрий",
        "Кузнецов",
        "dmitry.kuznetsov@yandex.ru",
        "male",
        "1991-09-02",
        "+79031234502",
        note_ru="Маркетолог",
        note_en="Marketer",
    ),
    Account(
        "1000000003",
        "maria.volkova",
        "Мария",
        "Волкова",
        "maria.volkova@yandex.ru",
        "female",
        "0000-12-23",
        "+79261234503",
        note_ru="Аналитик",
        note_en="Analyst",
    ),
    Account(
        "1000000004",
        "sergey.orlov",
        "Сергей",
        "Орлов",
        "sergey.orlov@yandex.ru",
        "male",
        None,
        "+79851234504",
        has_avatar=False,
        note_ru="Посторонний: его никто не приглашал",
        note_en="A stranger: nobody invited him",
    ),
)

# What a product must bear. Nobody at the trial page needs them.
ODD_ACCOUNTS = (
    Account("2000000001", "no-mail", "Олег", "Безпочтов", phone="+79161234601"),
    Account("2000000002", "no-names", email="no-names@yandex.ru", has_avatar=False),
    Account("2000000003", "capital-mail", "Ирина", "Прописная", "Irina.Propisnaya@Yandex.RU", "female"),
    Account("1000000002", "dmitry.renamed", "Дмитрий", "Кузнецов-Новый", "renamed@yandex.ru", "male"),
    Account("2000000004", "same-mail", "Павел", "Двойников", "dmitry.kuznetsov@yandex.ru", "male"),
    Account("2000000005", "two-at-mail", "Роман", "Собачкин", "anna.smirnova@yandex.ru@evil.example", "male"),
    Account("2000000006", "markup-name", "<script>alert(1)</script>", 'O\'Нил "&amp;" {{7*7}}', "markup@yandex.ru"),
    Account("2000000007", "long-name", "Ж" * 300, "Щ" * 300, "long@yandex.ru"),
    Account("2000000008", "bidi-name", "\u202eанелЕ", "👩🏽\u200d🔬\u0301", "bidi@yandex.ru"),
    Account("9007199254740993", "large-id", "Лев", "Большой", "large-id@yandex.ru"),
)
