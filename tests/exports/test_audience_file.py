"""Files for Yandex Audience: contacts as it takes them, users counted by why they are not in."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export_options import AudiencePreset
from segmentator_dagster.exports.csv import contacts
from segmentator_dagster.exports.csv.audience_file import AudienceFile
from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.sources import inserted, selected, written

EMAILS = {
    "mail@yandex.ru": "mail@yandex.ru",
    "  Mail@Yandex.RU\t\n": "mail@yandex.ru",
    "\xa0A.B+c@sub.example.com ": "a.b+c@sub.example.com",
    "o'neil@example.com": "o'neil@example.com",
    "почта@яндекс.рф": "",
    "mail@xn--d1acpjx3f.xn--p1ai": "mail@xn--d1acpjx3f.xn--p1ai",
    "mаil@yandex.ru": "",  # with a Cyrillic а
    "mail@yandex": "",
    "mail.yandex.ru": "",
    "a@b@yandex.ru": "",
    "a b@yandex.ru": "",
    ".a@yandex.ru": "",
    "a..b@yandex.ru": "",
    "a@-b.ru": "",
    "a@b.ru, c@d.ru": "",
    "=cmd@b.ru\r\n1": "",
    "x" * 245 + "@yandex.ru": "",
    "x" * 244 + "@yandex.ru": "x" * 244 + "@yandex.ru",
    "": "",
    "-": "",
}
PHONES = {
    "79995551111": "79995551111",
    "+7 (999) 555-11-11": "79995551111",
    "8 999 555 11 11": "79995551111",
    "8(800)555-35-35": "78005553535",
    "999 555-11-11": "79995551111",
    "\xa0+7–999–555–11–11 ": "79995551111",
    "+375 29 123-45-67": "375291234567",
    "+86 138 0013 8000": "8613800138000",
    "+81 3 1234 5678": "81312345678",  # with a plus, 8 is the first digit of a country code
    "+9 995 551 111": "",
    "495 555 11 11": "",
    "5551111": "",
    "07999555111": "",
    "1234567890123456": "",
    "123456789012345": "123456789012345",
    "8 999 555 11 11 доб. 12": "",
    "7999555111a": "",
    "++79995551111": "",
    "7+9995551111": "",
    "٧٩٩٩٥٥٥١١١١": "",
    "": "",
    "()": "",
}


def evaluated(admin: ClickHouse, expression: str, values: list[str]) -> list[str]:
    source = inserted(
        admin,
        {"id": "String", "v": "Nullable(String)"},
        {"id": pa.array([f"{number:04}" for number in range(len(values))]), "v": pa.array(values)},
    )
    return [text for (text,) in admin.rows(source.query(expression))]


def test_emails_are_taken_as_yandex_asks(admin: ClickHouse) -> None:
    assert dict(zip(EMAILS, evaluated(admin, contacts.email("c1"), list(EMAILS)), strict=True)) == EMAILS


def test_phones_are_taken_as_yandex_asks(admin: ClickHouse) -> None:
    assert dict(zip(PHONES, evaluated(admin, contacts.phone("c1"), list(PHONES)), strict=True)) == PHONES


def test_normalised_email_has_the_hash_that_yandex_publishes(admin: ClickHouse) -> None:
    found = evaluated(admin, f"lower(hex(MD5({contacts.email('c1')})))", [" Mail@yandex.ru"])
    assert found == ["3c56ff8fef0f6c65b36b2d25720fe276"]


def users(admin: ClickHouse, count: int = 100, more: str = "") -> Source:
    """So many users who can be reached by both, and rows of `more`."""
    select = f"""SELECT concat('u', leftPad(toString(number), 6, '0')) AS id,
        toNullable(concat('Mail', toString(number), '@Yandex.ru')) AS email,
        toNullable(concat('8 999 ', leftPad(toString(number), 7, '0'))) AS phone FROM numbers({count})"""
    return selected(admin, f"{select} UNION ALL {more}" if more else select)


BOTH = AudiencePreset(email="email", phone="phone", external_id=True)


def test_file_has_a_line_for_each_user(admin: ClickHouse) -> None:
    source = users(admin)
    file = AudienceFile(source, BOTH)
    file.check(admin, {})
    lines = written(admin, file).decode().split("\n")
    assert lines[:2] == ["external_id,phone,email", "u000000,79990000000,mail0@yandex.ru"]
    assert lines[100:] == ["u000099,79990000099,mail99@yandex.ru", ""]
    assert (file.rows, sum(file.skipped.values()), sum(file.left_out.values())) == (100, 0, 0)


def test_file_has_only_the_fields_that_were_chosen(admin: ClickHouse) -> None:
    source = users(admin)
    assert written(admin, AudienceFile(source, AudiencePreset(phone="phone"))).startswith(b"phone\n79990000000\n")
    mails = written(admin, AudienceFile(source, AudiencePreset(email="email", external_id=True)))
    assert mails.startswith(b"external_id,email\nu000000,mail0@yandex.ru\n")


def test_contacts_are_hashed_and_missing_ones_stay_empty(admin: ClickHouse) -> None:
    source = users(admin, 100, "SELECT 'a', 'Mail@Yandex.ru', NULL UNION ALL SELECT 'b', NULL, '+79995551111'")
    preset = BOTH.model_copy(update={"hashed": True})
    lines = written(admin, AudienceFile(source, preset)).decode().split("\n")
    email, phone = (hashlib.sha256(text).hexdigest() for text in (b"mail@yandex.ru", b"79995551111"))
    assert lines[1:3] == [f"a,,{email}", f"b,{phone},"]


def test_skipped_users_are_counted_by_reason_and_rows_add_up(admin: ClickHouse) -> None:
    more = " UNION ALL ".join(
        f"SELECT {row}"
        for row in (
            "'v1', NULL, NULL",
            "'v2', ' ', ''",
            "'v3', 'nobody', NULL",
            "'v4', 'nobody', '12'",
            "'v5', NULL, '12'",
            "'v6', 'a@b.ru', '12'",
            "'v7', 'nobody', '+79995551111'",
        )
    )
    source = users(admin, 100, more)
    file = AudienceFile(source, BOTH)
    file.check(admin, {})
    lines = written(admin, file).decode().split("\n")
    assert lines[101:] == ["v6,,a@b.ru", "v7,79995551111,", ""]
    assert file.rows == 102
    assert file.skipped == {"no_contact": 2, "bad_email": 2, "bad_phone": 1}
    assert file.left_out == {"bad_email": 1, "bad_phone": 1}
    assert file.rows + sum(file.skipped.values()) == source.rows == 107


def test_without_a_phone_field_only_emails_count(admin: ClickHouse) -> None:
    source = users(admin, 100, "SELECT 'v', 'nobody', '+79995551111'")
    file = AudienceFile(source, AudiencePreset(email="email"))
    file.check(admin, {})
    written(admin, file)
    assert (file.rows, dict(file.skipped)) == (100, {"no_contact": 0, "bad_email": 1, "bad_phone": 0})


def test_fewer_than_a_hundred_entries_are_refused_before_writing(admin: ClickHouse) -> None:
    file = AudienceFile(users(admin, 99, "SELECT 'v', 'nobody', NULL"), BOTH)
    with pytest.raises(UserError) as refused:
        file.check(admin, {})
    assert refused.value.code == "audience_too_small"
    message = refused.value.problems[0]
    assert "99 из 100" in message.message("ru")
    assert "99 of the 100" in message.message("en")
    assert "неверной почтой: 1" in message.hint("ru")


def test_file_over_the_size_that_yandex_takes_is_given_up(admin: ClickHouse) -> None:
    source = users(admin)
    size = len(written(admin, AudienceFile(source, BOTH)))
    assert len(written(admin, AudienceFile(source, BOTH, most_bytes=size))) == size
    with pytest.raises(UserError) as refused:
        written(admin, AudienceFile(source, BOTH, most_bytes=size - 1))
    assert refused.value.code == "audience_file_too_large"


def test_user_ids_with_commas_and_line_ends_are_quoted(admin: ClickHouse) -> None:
    more = "SELECT 'a,\"b\\n', 'a@b.ru', NULL UNION ALL SELECT 'a\\xFF', 'c@d.ru', NULL"
    file = AudienceFile(users(admin, 100, more), BOTH)
    data = written(admin, file).decode()
    assert '\n"a,""b\n",,a@b.ru\na\ufffd,,c@d.ru\n' in data
    assert file.rows == 102
    assert len(file.replacements()) == 1


def test_contacts_may_be_numbers(admin: ClickHouse) -> None:
    select = "SELECT toString(number) AS id, 89990000000 + number AS phone FROM numbers(100)"
    file = AudienceFile(selected(admin, select), AudiencePreset(phone="phone"))
    assert b"\n79990000099\n" in written(admin, file)


def test_check_keeps_to_the_settings_of_the_request(admin: ClickHouse) -> None:
    with pytest.raises(UserError) as refused:
        AudienceFile(users(admin), BOTH).check(admin, {"max_rows_to_read": 1})
    assert refused.value.code == "query_too_heavy"
