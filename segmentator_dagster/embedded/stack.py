"""Settings -> the parts and steps of an installation on one machine, each with what it needs."""

from __future__ import annotations

from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.embedded import probes
from segmentator_dagster.embedded.instance import LOCATION, DagsterHome, max_runs
from segmentator_dagster.embedded.parts import Part, Port, Step, tethered, untethered
from segmentator_dagster.settings import Settings

DEFINITIONS = "segmentator_dagster.definitions"
LOOPBACK = "127.0.0.1"

CLICKHOUSE = "clickhouse"
MIGRATIONS = "migrations"
DEMO = "demo data"
POOL = "worker pool"
CODE = "code server"
WEB = "dagster web"
DAEMON = "dagster daemon"
YANDEX_ID = "yandex id"
API = "api"


def whole_stack(settings: Settings, home: DagsterHome) -> tuple[Part | Step, ...]:
    """Everything; ClickHouse only where settings name no server, Yandex ID only where they name no application."""
    clickhouse = () if settings.clickhouse_url else (clickhouse_part(settings),)
    migrations = Step(
        MIGRATIONS,
        tethered("segmentator_dagster.cli", "migrate"),
        needs=tuple(part.name for part in clickhouse),
    )
    demo = Step(DEMO, tethered("segmentator_dagster.cli", "demo", "--if-missing"), needs=(MIGRATIONS,))
    return (
        *clickhouse,
        migrations,
        *((demo,) if _wants_demo(settings) else ()),
        *dagster_parts(settings, home, DEFINITIONS, prepared=(MIGRATIONS,)),
        *((yandex_id_part(settings),) if settings.emulates_yandex_id else ()),
        api_part(settings, prepared=(MIGRATIONS,)),
    )


def _wants_demo(settings: Settings) -> bool:
    """A ClickHouse of the user's own gets demo data only where the setting is given."""
    own = settings.clickhouse_url is not None
    return settings.demo_users > 0 and (not own or "demo_users" in settings.model_fields_set)


def clickhouse_part(settings: Settings) -> Part:
    # Imported late: it brings an HTTP client that a stack with a ClickHouse of its own does not need here.
    from segmentator_dagster.embedded.clickhouse_config import ServerOptions  # noqa: PLC0415
    from segmentator_dagster.embedded.clickhouse_server import server_argv  # noqa: PLC0415

    port = settings.clickhouse_port
    options = ServerOptions(
        port=port,
        database=settings.clickhouse_database,
        data_database=settings.clickhouse_data_database,
        reader_seconds=settings.count_deadline_seconds,
    )
    return Part(
        CLICKHOUSE,
        tuple(server_argv(settings.data_dir.resolve(), options)),
        ready=lambda _: probes.answers_ok(LOOPBACK, port, "/ping"),
        port=Port(LOOPBACK, port, "SEGMENTATOR_CLICKHOUSE_PORT"),
        address=f"http://{LOOPBACK}:{port}",
        stop_seconds=6.0,
    )


def dagster_parts(
    settings: Settings, home: DagsterHome, module: str, prepared: tuple[str, ...] = ()
) -> tuple[Part, ...]:
    """Dagster's processes for the definitions in `module`; the daemon waits for what must be prepared.

    The pool makes Dagster's storage before it listens, so whatever opens the storage needs it. On two cores nothing is
    lost by starting the web server only when the definitions are served: by then the processors are busy anyway.
    """
    web = settings.dagster_port
    workspace = ("-w", str(home.workspace_file))
    pool_arguments = (
        *("--socket", str(home.pool_socket), "--liveness", str(home.liveness), "--module", module),
        *("--spares", str(settings.run_workers), "--limit", str(max_runs(settings))),
    )
    code_arguments = (
        *("api", "grpc", "-m", module, "-a", "defs", "--socket", str(home.code_socket)),
        *("--location-name", LOCATION),
    )
    web_arguments = ("-h", LOOPBACK, "-p", str(web), "--path-prefix", DAGSTER_PATH, *workspace)
    return (
        Part(
            POOL,
            untethered("segmentator_dagster.workers.pool", *pool_arguments),
            ready=lambda _: probes.pool_waits(home.pool_socket),
            address=f"{settings.run_workers} workers wait",
            stop_seconds=5.0,
        ),
        Part(
            CODE,
            tethered("dagster", *code_arguments),
            ready=lambda _: probes.accepts(home.code_socket),
            # Given a home it would open the storage, and make it, while the pool does (`workers.storage.initialise`).
            # It needs none: what asks it names the instance.
            unset=("DAGSTER_HOME",),
        ),
        Part(
            WEB,
            tethered("segmentator_dagster.embedded.dagster_webserver", *web_arguments),
            ready=lambda _: probes.location_loaded(web),
            needs=(POOL, CODE),
            port=Port(LOOPBACK, web, "SEGMENTATOR_DAGSTER_PORT"),
            address=f"http://{LOOPBACK}:{web}{DAGSTER_PATH}  (for programs; people: {DAGSTER_PATH} of the api)",
        ),
        Part(
            DAEMON,
            tethered("dagster._daemon", "run", *workspace),
            ready=lambda since: probes.daemons_beat(web, since),
            needs=(POOL, CODE, *prepared),
        ),
    )


def yandex_id_part(settings: Settings) -> Part:
    """Nothing waits for it: it is there long before a person has found the button."""
    port = settings.yandex_id_port
    return Part(
        YANDEX_ID,
        tethered("segmentator_dagster.embedded.yandex_id"),
        ready=lambda _: probes.answers_ok(LOOPBACK, port, "/"),
        port=Port(LOOPBACK, port, "SEGMENTATOR_YANDEX_ID_PORT"),
        address=f"http://{LOOPBACK}:{port}  (an emulator: who can sign in, no passwords)",
    )


def api_part(settings: Settings, prepared: tuple[str, ...]) -> Part:
    host, port = settings.api_host, settings.api_port
    shown = f"[{host}]" if ":" in host else host
    return Part(
        API,
        tethered("segmentator_dagster.cli", "api"),
        ready=lambda _: probes.answers_ok(host, port, "/ready", "/health"),
        needs=prepared,
        port=Port(host, port, "SEGMENTATOR_API_PORT"),
        address=f"http://{shown}:{port}  (its pages: /api/v1/docs)",
    )
