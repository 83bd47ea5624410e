"""Ceph's radosgw, the most faithful S3 server of all, out of Debian's packages unpacked in a folder.

    mkdir -p DIR/debs/partial && apt-get install -y --download-only --no-install-recommends \\
        -o Dir::Cache::archives=DIR/debs ceph-mon ceph-osd radosgw
    for package in DIR/debs/*.deb; do dpkg -x "$package" DIR/root; done
    export SEGMENTATOR_TEST_CEPH=DIR/root
"""

from __future__ import annotations

import base64
import os
import platform
import secrets
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.child import LOOPBACK, accepts, free_port, running, until
from tests.servers.s3 import DOMAIN, S3Server

VARIABLE = "SEGMENTATOR_TEST_CEPH"
KMS_KEY = "exports-key"


@contextmanager
def radosgw(folder: Path, packages: Path) -> Iterator[S3Server]:
    """A ready cluster of one monitor, one OSD and one gateway, kept in `folder`; `packages` is the unpacked root."""
    ports = {"mon": free_port(), "rgw": free_port()}
    access_key, secret = secrets.token_hex(10).upper(), secrets.token_hex(20)
    for part in ("mon", "osd", "rgw", "run"):
        (folder / part).mkdir()
    cluster = str(uuid.uuid4())
    libraries = packages / "usr" / "lib" / f"{platform.machine()}-linux-gnu"
    (folder / "ceph.conf").write_text(_configuration(folder, libraries, cluster, ports))
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": f"{libraries}:{packages / 'lib' / libraries.name}:{libraries / 'ceph'}",
        "PATH": f"{packages / 'usr/bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(packages / "usr/lib/python3/dist-packages"),
        "CEPH_CONF": str(folder / "ceph.conf"),
    }
    _make_monitor(folder, cluster, ports["mon"], environment)
    with ExitStack() as stack:

        def start(*command: str) -> None:
            stack.enter_context(running(command, log=folder / f"{command[0]}.log", env=environment))

        start("ceph-mon", "-f", "-i", "a")
        osd = str(uuid.uuid4())
        _run(environment, "ceph", "osd", "new", osd)
        _run(environment, "ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", osd)
        _run(environment, "ceph", "osd", "crush", "add", "osd.0", "1.0", "host=h", "root=default")
        start("ceph-osd", "-f", "-i", "0")
        log = folder / "radosgw.log"
        gateway = stack.enter_context(running(["radosgw", "-f", "--id", "rgw"], log=log, env=environment))
        keys = ("--access-key", access_key, "--secret", secret)
        _run(environment, "radosgw-admin", "--id", "admin", "user", "create", "--uid=s", "--display-name=s", *keys)
        until(lambda: accepts(ports["rgw"]), gateway, log, 60)
        yield S3Server(f"http://{LOOPBACK}:{ports['rgw']}", ports["rgw"], access_key, secret, encrypts=True)


def _make_monitor(folder: Path, cluster: str, port: int, environment: Mapping[str, str]) -> None:
    keyring, monmap = str(folder / "keyring"), str(folder / "monmap")
    _run(environment, "ceph-authtool", "-C", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "osd.0", "client.rgw"):
        capabilities = [word for part in ("mon", "osd", "mgr") for word in ("--cap", part, "allow *")]
        _run(environment, "ceph-authtool", keyring, "--gen-key", "-n", name, *capabilities)
    _run(environment, "monmaptool", "--create", "--addv", "a", f"[v2:{LOOPBACK}:{port}]", "--fsid", cluster, monmap)
    _run(environment, "ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)


def _run(environment: Mapping[str, str], *command: str) -> None:
    subprocess.run(command, env=environment, check=True, timeout=120, stdout=subprocess.DEVNULL)


def _configuration(folder: Path, libraries: Path, cluster: str, ports: Mapping[str, int]) -> str:
    return f"""[global]
fsid = {cluster}
mon_host = [v2:{LOOPBACK}:{ports["mon"]}]
public_addr = {LOOPBACK}
cluster_addr = {LOOPBACK}
ms_bind_ipv6 = false
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
keyring = {folder}/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
run_dir = {folder}/run
admin_socket = {folder}/run/$name.asok
log_file = {folder}/run/$name.log
plugin_dir = {libraries}/ceph
osd_class_dir = {libraries}/rados-classes
erasure_code_dir = {libraries}/ceph/erasure-code
osd_data = {folder}/osd
mon_data = {folder}/mon
rgw_data = {folder}/rgw
bluestore_block_size = 34359738368
osd_memory_target = 939524096
rgw_frontends = beast endpoint={LOOPBACK}:{ports["rgw"]}
rgw_dns_name = {DOMAIN}
rgw_gc_obj_min_wait = 5
rgw_gc_processor_period = 5
rgw_crypt_require_ssl = false
rgw_crypt_s3_kms_backend = testing
rgw_crypt_s3_kms_encryption_keys = {KMS_KEY}={base64.b64encode(secrets.token_bytes(32)).decode()}
"""
