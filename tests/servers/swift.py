"""OpenStack Swift with its S3 API in one process. Run as a module, it is that process."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.servers.child import LOOPBACK, accepts, free_port, running, until
from tests.servers.s3 import DOMAIN, S3Server

ROOT = Path(__file__).parents[2]
ACCOUNT = "segmentator"
FILTERS = ("catch_errors", "gatekeeper", "listing_formats", "bulk", "copy", "slo", "dlo", "versioned_writes", "symlink")
PIPELINE = (
    "catch_errors gatekeeper listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server"
)


@contextmanager
def swift(folder: Path) -> Iterator[S3Server]:
    """A ready server whose objects are in `folder`. Linux only: it needs extended attributes and PyECLib."""
    port, secret = free_port(), secrets.token_hex(16)
    log = folder / "swift.log"
    command = [sys.executable, "-m", "tests.servers.swift", str(folder), str(port)]
    environment = {**os.environ, "SWIFT_SECRET": secret, "PYTHONWARNINGS": "ignore"}
    with running(command, log=log, cwd=ROOT, env=environment) as process:
        until(lambda: accepts(port), process, log, 30)
        yield S3Server(f"http://{LOOPBACK}:{port}", port, f"{ACCOUNT}:user", secret)


def main(folder: Path, port: int, secret: str) -> None:
    import eventlet  # noqa: PLC0415

    eventlet.monkey_patch()  # before anything of Swift is imported
    settings = folder / "etc"
    for made in (folder / "devices" / "d1", folder / "cache", settings):
        made.mkdir(parents=True)
    (settings / "swift.conf").write_text(
        _ini(
            {
                "swift-hash": {"swift_hash_path_suffix": ACCOUNT},
                "storage-policy:0": {"name": "default", "default": "yes"},
            }
        )
    )

    from eventlet import wsgi  # noqa: PLC0415
    from swift.common import utils  # noqa: PLC0415

    utils.set_swift_dir(str(settings))

    from swift.common.storage_policy import reload_storage_policies  # noqa: PLC0415

    reload_storage_policies()

    from swift.common.ring import RingBuilder  # noqa: PLC0415
    from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: PLC0415

    def serve(name: str, socket: Any) -> Any:
        application = loadapp(str(settings / f"{name}.conf"), global_conf={"log_name": name})
        return eventlet.spawn(
            wsgi.server,
            socket,
            application,
            protocol=SwiftHttpProtocol,
            log=utils.get_logger({}, name),
            log_output=False,
            capitalize_response_headers=False,
            url_length_limit=65536,
        )

    servers = []
    for name in ("account", "container", "object"):
        socket = eventlet.listen((LOOPBACK, 0), reuse_port=False)
        ring = RingBuilder(4, 1, 1)
        device = {
            "region": 1,
            "zone": 1,
            "ip": LOOPBACK,
            "port": socket.getsockname()[1],
            "device": "d1",
            "weight": 1.0,
        }
        ring.add_dev(device)
        ring.rebalance()
        ring.get_ring().save(str(settings / f"{name}.ring.gz"))
        (settings / f"{name}.conf").write_text(_ini(_storage(folder, name)))
        servers.append(serve(name, socket))
    (settings / "proxy.conf").write_text(_ini(_proxy(settings, secret)))
    servers.append(serve("proxy", eventlet.listen((LOOPBACK, port), reuse_port=False)))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for server in servers:
        server.wait()


def _storage(folder: Path, name: str) -> dict[str, dict[str, str]]:
    return {
        "DEFAULT": {
            **_logging(folder / "etc"),
            "devices": str(folder / "devices"),
            "mount_check": "false",
            "fallocate_reserve": "0",
            "recon_cache_path": str(folder / "cache"),
        },
        "pipeline:main": {"pipeline": f"{name}-server"},
        f"app:{name}-server": {"use": f"egg:swift#{name}"},
    }


def _proxy(settings: Path, secret: str) -> dict[str, dict[str, str]]:
    return {
        "DEFAULT": _logging(settings),
        "pipeline:main": {"pipeline": PIPELINE},
        "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true", "node_timeout": "60"},
        "filter:s3api": {
            "use": "egg:swift#s3api",
            "s3_acl": "false",
            "location": "us-east-1",
            "max_upload_part_num": "10000",
            "storage_domain": DOMAIN,
        },
        "filter:tempauth": {"use": "egg:swift#tempauth", f"user_{ACCOUNT}_user": f"{secret} .admin"},
        **{f"filter:{name}": {"use": f"egg:swift#{name}"} for name in FILTERS},
    }


def _logging(settings: Path) -> dict[str, str]:
    return {"swift_dir": str(settings), "log_level": "WARNING", "log_address": "/dev/null"}


def _ini(sections: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in section.items())
        for name, section in sections.items()
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), os.environ["SWIFT_SECRET"])
