"""Number of users -> the demo table `user_activity`, made inside ClickHouse by one reproducible INSERT."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from segmentator_dagster.collection.tables import PREFIX, drop_stale, quoted, table_exists
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse

TABLE = "user_activity"
LABELS: Mapping[str, Mapping[str, str]] = {
    "user_id": {"ru": "Пользователь", "en": "User"},
    "date": {"ru": "Дата активности", "en": "Date of activity"},
    "platform_main": {"ru": "Платформа", "en": "Platform"},
    "cohort": {"ru": "Когорта (первый день)", "en": "Cohort (first day)"},
}
FIRST_DATE = "2025-05-01"
LAST_DATE = "2026-10-31"

_COLUMNS = "user_id String, date Date, platform_main String, cohort Date"

# A random number of a user is a hash of the user's number and a salt, so that every build gives the same rows.
#  - cohorts: later days bring more users;
#  - activity: the chance to come on day d is a part that fades as (1 + d)^-0.4 and a part that stays, both with a
#    heavy tail over users: most come a few times, a few come nearly every day;
#  - platforms: one per user; 12 % have a second one too, seen on a quarter of their days.
# A visit is packed into one number, day * 8 + platform: arrays of tuples or strings cost five times as much.
_ROWS = """
WITH
    toDate({first:String}) AS first_date,
    dateDiff('day', first_date, toDate({last:String})) AS last_day,
    18446744073709551615. AS whole,
    salt -> cityHash64(number, salt) / whole AS uniform,
    ['android', 'ios', 'web', 'ipados', 'windows', 'macos', 'huawei'] AS platforms,
    [0.46, 0.73, 0.86, 0.9, 0.94, 0.97, 1.] AS shares,
    arrayMap(day -> whole * pow(1 + day, -0.4), range(last_day + 1)) AS fading
SELECT
    'u' || leftPad(toString(number + 1), {digits:UInt8}, '0') AS user_id,
    first_date + cohort_day + intDiv(visit, 8) AS date,
    platforms[visit % 8] AS platform_main,
    first_date + cohort_day AS cohort
FROM (
    WITH
        0.15 * pow(uniform('fades') + 0.0001, -0.8) AS fades,
        whole * least(0.9, 0.004 * pow(uniform('stays') + 0.0001, -0.8)) AS stays,
        arrayFirstIndex(share -> uniform('platform') < share, shares) AS main,
        1 + (main + cityHash64(number, 'second') % 6) % 7 AS second,
        arrayFilter(
            (day, chance) -> day = 0 OR cityHash64(number, day) < fades * chance + stays,
            range(toUInt32(last_day - cohort_day + 1)),
            arraySlice(fading, 1, last_day - cohort_day + 1)
        ) AS days,
        uniform('has second') < 0.12 AS has_second,
        if(has_second, arrayFilter(day -> cityHash64(number, day, 2) % 4 = 0, days), []) AS second_days
    SELECT
        number,
        toUInt16(floor((last_day + 1) * pow(uniform('cohort'), 0.75))) AS cohort_day,
        arrayConcat(arrayMap(day -> day * 8 + main, days), arrayMap(day -> day * 8 + second, second_days)) AS visits
    FROM numbers_mt({users:UInt64})
)
ARRAY JOIN visits AS visit
"""


@dataclass(frozen=True, slots=True)
class DemoData:
    users: int
    rows: int


def create_demo(admin: ClickHouse, database: str, users: int) -> DemoData:
    """Make `database.user_activity` with this many users, in place of the one there is, whole or not at all.

    About 25 rows a user; the same number of users gives the same rows on every machine.
    """
    drop_stale(admin, database)
    made = f"{PREFIX}{secrets.token_hex(8)}_demo"
    building = f"{quoted(database)}.{quoted(made)}"
    target = f"{quoted(database)}.{quoted(TABLE)}"
    try:
        admin.execute(
            CompiledQuery(f"CREATE TABLE {building} ({_COLUMNS}) ENGINE = MergeTree ORDER BY (user_id, date)")
        )
        admin.execute(
            CompiledQuery(
                f"INSERT INTO {building} {_ROWS}",
                {"first": FIRST_DATE, "last": LAST_DATE, "users": users, "digits": max(7, len(str(users)))},
            ),
            # A user becomes hundreds of array items: small blocks keep the memory flat.
            {"max_block_size": 4096, "max_insert_threads": 2},
        )
        rows = admin.scalar(CompiledQuery(f"SELECT count() FROM {building}"))  # noqa: S608 - a name of our own making
        verb, link = ("EXCHANGE TABLES", "AND") if table_exists(admin, database, TABLE) else ("RENAME TABLE", "TO")
        admin.execute(CompiledQuery(f"{verb} {building} {link} {target}"))
    finally:
        admin.execute(CompiledQuery(f"DROP TABLE IF EXISTS {building} SYNC"))
    return DemoData(users, int(rows))
