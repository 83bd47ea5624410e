"""The `segmentator` command: start everything, one part, or load data."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.settings import Settings, SettingsError

P = ParamSpec("P")


def _said(command: Callable[P, None]) -> Callable[P, None]:
    """Errors as lines on standard error and exit code 1, no trace."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except UserError as error:
            for problem in error.problems:
                click.echo(f"{problem.code}: {problem.message('en')} {problem.hint('en')}".rstrip(), err=True)
            sys.exit(1)
        except (SettingsError, InternalError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)

    return wrapped


@click.group()
def main() -> None:
    """Segmentator: audiences as rules, files from ClickHouse."""


@main.command()
@_said
def up() -> None:
    """Start every part in the foreground; Ctrl-C stops them."""
    from segmentator_dagster.embedded.supervisor import run  # noqa: PLC0415  each command imports what it needs

    Settings.load()  # what does not go together is said before anything is started
    sys.exit(run(Settings.given()))


@main.command()
@_said
def api() -> None:
    """Start the API alone."""
    settings = Settings.load()  # what is wrong with it is said before anything slow is imported

    from segmentator_dagster.api.app import create_app  # noqa: PLC0415
    from segmentator_dagster.api.server import Server  # noqa: PLC0415
    from segmentator_dagster.logs import configure  # noqa: PLC0415

    configure(settings)
    server = Server(create_app(settings), host=settings.api_host, port=settings.api_port, log_config=None)
    _collect_less_often()
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(1)


def _collect_less_often() -> None:
    """A page of segments is some thousands of short-lived objects; what the start made, 250 000, need not be looked
    through for garbage again, 140 ms each time."""
    gc.set_threshold(10_000, 10, 10)
    gc.collect()
    gc.freeze()


@main.command()
@_said
def migrate() -> None:
    """Bring the metadata database and our ClickHouse tables up to date."""
    from segmentator_dagster.storage.connections import admin_of, database_of  # noqa: PLC0415
    from segmentator_dagster.storage.members import create_databases  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.migrate import migrate as migrate_metadata  # noqa: PLC0415

    settings = Settings.load()
    migrate_metadata(database_of(settings))
    create_databases(admin_of(settings), settings.clickhouse_database, settings.clickhouse_data_database)


@main.command()
@click.option("--users", type=click.IntRange(min=1), help="How many users; SEGMENTATOR_DEMO_USERS where not given.")
@click.option("--if-missing", is_flag=True, help="Make no table where one is there.")
@_said
def demo(users: int | None, if_missing: bool) -> None:
    """Make the demo dataset `user_activity`, replacing the one there is."""
    from segmentator_dagster.collection.tables import table_exists  # noqa: PLC0415
    from segmentator_dagster.embedded.demo import LABELS, TABLE, create_demo  # noqa: PLC0415
    from segmentator_dagster.storage.connections import admin_of, database_of  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset  # noqa: PLC0415

    settings = Settings.load()
    datasets = Datasets(database_of(settings))
    wanted = users or settings.demo_users
    if not wanted or (if_missing and any(dataset.name == TABLE for dataset in datasets.all())):
        return
    admin, database = admin_of(settings), settings.clickhouse_data_database
    if not (if_missing and table_exists(admin, database, TABLE)):  # a table that is there is never replaced
        made = create_demo(admin, database, wanted)
        click.echo(f"{TABLE}: {made.users} users, {made.rows} rows")
    datasets.register(
        RegisteredDataset(
            TABLE,
            database,
            TABLE,
            "user_id",
            "date",
            label_ru="Активность пользователей",
            label_en="User activity",
            field_labels=LABELS,
        )
    )


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dataset", required=True, help="Name of the new dataset.")
@click.option("--user-key", required=True, help="Column with the user's id.")
@click.option("--time", "time_field", help="Column with the moment of a row; the latest row gives a user's fields.")
@click.option("--type", "types", multiple=True, metavar="COLUMN=TYPE", help="Take a column as this type.")
@click.option("--sensitive", multiple=True, metavar="COLUMN", help="Mark a column: see `sensitive` of `PUT /access`.")
@click.option("--sheet", help="Sheet of an XLSX file; the first where not given.")
@click.option("--replace", is_flag=True, help="Replace the dataset of this name.")
@_said
def load(
    file: Path,
    dataset: str,
    user_key: str,
    time_field: str | None,
    types: tuple[str, ...],
    sensitive: tuple[str, ...],
    sheet: str | None,
    replace: bool,
) -> None:
    """Load a CSV, XLSX or Parquet FILE into a dataset: all of it or nothing."""
    from segmentator_dagster.collection.load import load_file  # noqa: PLC0415
    from segmentator_dagster.storage.connections import admin_of, database_of  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset  # noqa: PLC0415

    settings = Settings.load()
    if wrong := [text for text in types if "=" not in text]:
        raise click.BadParameter(f"{wrong[0]!r} is not COLUMN=TYPE", param_hint="--type")
    datasets = Datasets(database_of(settings))
    loaded = load_file(
        admin_of(settings),
        file,
        database=settings.clickhouse_data_database,
        dataset=dataset,
        user_key=user_key,
        time_field=time_field,
        types=dict(text.rsplit("=", 1) for text in types),
        sheet=sheet,
        sensitive=sensitive,
        replace=replace,
    )
    datasets.register(
        RegisteredDataset(
            loaded.dataset,
            settings.clickhouse_data_database,
            loaded.table,
            user_key,
            time_field,
            sensitive=sensitive,
        )
    )
    click.echo(f"{loaded.dataset}: {loaded.rows} rows, {loaded.users} users")
    for column in loaded.columns:
        click.echo(f"  {column.name}: {column.clickhouse_type}")


@main.group()
def token() -> None:
    """Personal tokens, for programs."""


@token.command("create")
@click.option("--person", "login", required=True, help="Login or e-mail of somebody who has signed in.")
@click.option("--name", required=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "edit", "export", "admin"]), required=True)
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="How long it is good.")
@_said
def create_token(login: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token and print it: this is the one time that it can be seen."""
    from datetime import timedelta  # noqa: PLC0415

    from segmentator_dagster.api.drafts import name_problems  # noqa: PLC0415
    from segmentator_dagster.domain.access import SYSTEM, Scope  # noqa: PLC0415
    from segmentator_dagster.domain.audit import Event, Thing  # noqa: PLC0415
    from segmentator_dagster.storage.connections import database_of  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.audit import Audit  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.people import People  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.people_problems import NOBODY_CALLED  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.sessions import Tokens  # noqa: PLC0415

    database = database_of(Settings.load())
    person = People(database).by_contact(login)
    if person is None:
        raise NOBODY_CALLED.error(contact=login)
    if problems := list(name_problems(name)):
        raise UserError(*problems)
    with Audit(database).doing(SYSTEM, Event.TOKEN_CREATE) as note:
        made, text = Tokens(database).create(
            person.id, name.strip(), [Scope(scope) for scope in scopes], timedelta(days=days)
        )
        note.thing = Thing("token", made.id, made.name)
        note.after = {"person_id": person.id, "scopes": list(scopes), "days": days}
    click.echo(text)


@main.command()
@click.argument("contact")
@click.option("--role", type=click.Choice(["user", "administrator"]), default="user", show_default=True)
@_said
def invite(contact: str, role: str) -> None:
    """Let whoever has this Yandex login or e-mail in."""
    from segmentator_dagster.domain.access import SYSTEM  # noqa: PLC0415
    from segmentator_dagster.domain.audit import Event, Thing  # noqa: PLC0415
    from segmentator_dagster.domain.people import Role, contact_problems  # noqa: PLC0415
    from segmentator_dagster.storage.connections import database_of  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.audit import Audit  # noqa: PLC0415
    from segmentator_dagster.storage.metadata.people import People  # noqa: PLC0415

    settings = Settings.load()
    if problems := list(contact_problems(contact)):
        raise UserError(*problems)
    database = database_of(settings)
    with Audit(database).doing(SYSTEM, Event.INVITE_CREATE) as note:
        made = People(database).invite(contact, Role(role), None)
        note.thing, note.after = Thing("invite", str(made.id), made.contact), {"role": role}
    click.echo(f"{made.contact} comes in as {role} at {settings.public_url} until {made.expires_at:%Y-%m-%d}")


if __name__ == "__main__":
    main()
