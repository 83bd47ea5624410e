"""A number of segments -> an empty metadata database that holds them, their exports and people, or an audit log.

Rows go in by the thousand, the first with id 1; the texts are Russian, as long as people write them, and the same in
every run.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import insert, text

from segmentator_dagster.domain.audit import Event
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.segment import Visibility, search_key
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.models import (
    Base,
    ExportRequestRow,
    ExportRow,
    RuleReferenceRow,
    SegmentRow,
    SegmentTagRow,
)
from segmentator_dagster.storage.metadata.people_models import AuditRow, PersonRow

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PRODUCTS = ("iOS", "Android", "веб", "подписка", "касса", "маркет", "доставка", "такси", "музыка", "книги")
DOINGS = ("активные", "новые", "вернувшиеся", "ушедшие", "платящие", "спящие", "пробовавшие", "редкие", "частые")
WHERE = ("Москва", "Петербург", "Казань", "Урал", "Сибирь", "юг", "север", "регионы", "столицы", "Поволжье")
WORDS = (
    *("пользователи", "которые", "заходили", "за", "последний", "месяц", "хотя", "бы", "раз", "и", "не", "купили"),
    *("ничего", "после", "рассылки", "для", "отдела", "маркетинга", "проверить", "перед", "запуском", "акции"),
    *("скидка", "бонусы", "повторная", "покупка", "воронка", "регистрация", "отток", "кампания", "контрольная"),
)
TAGS = ("маркетинг", "отток", "ios", "android", "акции", "отчёт", "еженедельно", "проверка", "архив", "crm")
EVENTS = (Event.SEGMENT_CHANGE, Event.SEGMENT_CREATE, Event.EXPORT_REQUEST, Event.EXPORT_DOWNLOAD, Event.REFUSED)
Row = dict[str, Any]


def fill(database: Database, segments: int, people: int) -> None:
    """Half of the segments are private, half the team's; every fifth person is an administrator.

    Of each segment there are two exports, a tenth is used by another one.
    """
    chance = random.Random(5)
    _insert(database, PersonRow, (_person(number) for number in range(1, people + 1)))
    _insert(database, SegmentRow, (_segment(number, people, chance) for number in range(1, segments + 1)))
    _insert(database, SegmentTagRow, (tag for number in range(1, segments + 1) for tag in _tags(number)))
    users = range(2, segments + 1, 10)
    _insert(database, RuleReferenceRow, ({"segment_id": n, "kind": "segment", "target_id": n - 1} for n in users))
    exports = [_export(number, time) for number in range(1, segments + 1) for time in (1, 2)]
    _insert(database, ExportRequestRow, (request for request, _ in exports))
    _insert(database, ExportRow, (export for _, export in exports))
    settle(database)


def fill_audit(database: Database, entries: int, people: int) -> None:
    chance = random.Random(7)
    _insert(database, AuditRow, (_entry(number, people, chance) for number in range(1, entries + 1)))
    settle(database)


def settle(database: Database) -> None:
    """Let the database count what it holds and write it to its tables, as it does by itself in time."""
    statement = "ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)"
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(statement))


def _insert(database: Database, table: type[Base], rows: Iterable[Row]) -> None:
    waiting = iter(rows)
    with database.engine.begin() as connection:
        while batch := list(islice(waiting, 1000)):
            connection.execute(insert(table), batch)


def _person(number: int) -> Row:
    role = Role.ADMINISTRATOR if number % 5 == 0 else Role.USER
    login, name = f"person.{number}", f"Анна Смирнова {number}"
    texts = {"login": login, "email": f"{login}@example.ru", "name": name, "name_key": search_key(name)}
    texts["search_text"] = search_key(" ".join([name, login, texts["email"]]))
    return {"yandex_id": str(number), "role": role.value, "access": {}, "created_at": BEGAN, **texts}


def _segment(number: int, people: int, chance: random.Random) -> Row:
    what, who, where = chance.choice(PRODUCTS), chance.choice(DOINGS), chance.choice(WHERE)
    name = f"{what}: {who}, {where} № {number}"
    description = " ".join(chance.choice(WORDS) for _ in range(15))
    tags = [tag["tag"] for tag in _tags(number)]
    moment = BEGAN + timedelta(seconds=chance.randrange(20_000_000))
    return {
        "name": name,
        "name_key": search_key(name),
        "search_text": search_key("\n".join([name, description, *tags])),
        "description": description,
        "dataset": "user_activity",
        "rule": _rule(number),
        "time_zone": "Europe/Moscow",
        "version": 1,
        "fingerprint": f"{number:064x}",
        "owner_id": number // 2 % people + 1,
        "visibility": (Visibility.PRIVATE if number % 2 else Visibility.TEAM).value,
        "created_at": moment,
        "updated_at": moment,
        "schedule": {"cron": "0 6 * * 1", "formats": ["csv"]} if number % 10 == 0 else None,
    }


def _rule(number: int) -> Row:
    platform = {"field": "platform_main", "operator": "in", "value": ["ios", "ipados"]}
    recent = {"field": "date", "operator": "inLast", "value": {"count": number % 60 + 1, "unit": "day"}}
    activity: Row = {
        "kind": "activity",
        "dataset": "user_activity",
        "where": {"combinator": "and", "not": False, "rules": [platform, recent]},
        "aggregate": {"function": "rows"},
        "operator": ">=",
        "value": 2,
        "not": False,
    }
    rules = [activity, *([{"kind": "segment", "segment_id": number - 1, "not": True}] if number % 10 == 2 else [])]
    return {"kind": "group", "combinator": "and", "not": False, "rules": rules}


def _tags(number: int) -> Iterator[Row]:
    for position in range(number % 3):
        tag = TAGS[(number + position) % len(TAGS)]
        yield {"segment_id": number, "tag_key": search_key(tag), "tag": tag, "position": position}


def _export(number: int, time: int) -> tuple[Row, Row]:
    """The request and its one export, published."""
    request, export = (str(uuid.UUID(int=number * 10 + time + 5 * what)) for what in (0, 1))
    moment, options = BEGAN + timedelta(days=300 + time, seconds=number), resolved().as_json()
    columns = [
        {"name": name, "type": kind, "clickhouse_type": native}
        for name, kind, native in (
            ("user_id", "text", "String"),
            ("date", "date", "Date"),
            ("platform_main", "text", "LowCardinality(String)"),
            ("cohort", "date", "Date"),
        )
    ]
    file = {"file_name": f"Сегмент {number}.csv", "rows": 52314, "bytes": 2406444, "sha256": f"{number:064x}"}
    manifest = {"segment_id": number, "rule": _rule(number), "options": options, "columns": columns, "files": [file]}
    asked = {
        "id": request,
        "segment_id": number,
        "version": 1,
        "trigger": "api",
        "requested_by_id": 1,
        "attempt": 1,
        "run_id": request,
        "launched_run_id": request,
        "options": options,
        "created_at": moment,
    }
    made = {
        "id": export,
        "request_id": request,
        "segment_id": number,
        "format": "csv",
        "status": "published",
        "attempt": 1,
        "phase": "done",
        "progress_rows": 52314,
        "total_rows": 52314,
        "progress_bytes": 2406444,
        "rows": 52314,
        "bytes": 2406444,
        "sha256": f"{number:064x}",
        "files": [{"key": f"exports/{number}/{export}/1/x/csv", **file}],
        "manifest": manifest,
        "created_at": moment,
        "started_at": moment,
        "phase_started_at": moment,
        "progress_at": moment,
        "finished_at": moment + timedelta(seconds=1),
        "expires_at": moment + timedelta(days=30),
    }
    return asked, made


def _entry(number: int, people: int, chance: random.Random) -> Row:
    person, segment = chance.randrange(people) + 1, chance.randrange(10_000) + 1
    actor = f"Анна Смирнова {person}"
    name = f"{chance.choice(PRODUCTS)}: {chance.choice(DOINGS)}, {chance.choice(WHERE)} № {segment}"
    address, request = f"10.0.{person}.{chance.randrange(250)}", f"{chance.getrandbits(128):032x}"
    event = chance.choice(EVENTS)
    return {
        "at": BEGAN + timedelta(seconds=20 * number),
        "actor_id": person,
        "actor_name": actor,
        "via": "session",
        "address": address,
        "request_id": request,
        "action": event.value,
        "object_kind": "segment",
        "object_id": str(segment),
        "object_name": name,
        "search_text": search_key(" ".join([actor, name, str(segment), address, request])),
        "outcome": "done",
        "after": {"version": 1, "name": name} if event is Event.SEGMENT_CHANGE else None,
    }
