"""One Docker daemon in its jail."""

import contextlib
import http.client
import json
import os
import socket
import time
from pathlib import Path

from engine import jail, network, process
from engine.layout import Flavour, Layout, Place
from engine.report import EngineError, say

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# How much build cache the daemon keeps: kernels and their toolchains are large. Docker 28 reads the
# first name as what it never frees, so that one alone bounds nothing; Docker 20.10 knows no other.
CACHE = {
    "defaultKeepStorage": "10GB",
    "defaultReservedSpace": "10GB",
    "defaultMaxUsedSpace": "20GB",
    "defaultMinFreeSpace": "10GB",
}


def settings(
    chosen: Flavour, place: Place, home: Path, root: Path, registry: str
) -> dict[str, object]:
    """The daemon.json of one flavour.

    Everything volatile lives in the jail's /run and dies with it. The label says which packages the
    daemon was started from, so that one from others is started anew.
    """
    return {
        "hosts": [f"unix://{home / 'docker.sock'}"],
        "data-root": str(home / "data"),
        "exec-root": "/run/docker",
        "pidfile": "/run/docker.pid",
        "bridge": place.bridge,
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "ip-masq": False,
        "cgroup-parent": f"/{place.cgroup}",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "features": {"buildkit": True, "containerd-snapshotter": chosen.containerd_store},
        "labels": [f"hutch.root={root.name}"],
        "registry-mirrors": [f"http://{registry}"],
        "builder": {"gc": {"enabled": True, **CACHE}},
    }


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def version(sock: Path) -> str | None:
    """The version that the daemon behind a socket tells, or None when there is none."""
    connection = _UnixConnection(sock)
    try:
        connection.request("GET", "/version")
        answer = connection.getresponse()
        if answer.status != 200:
            return None
        return str(json.loads(answer.read())["Version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


def running(layout: Layout, chosen: Flavour) -> str | None:
    """Version of this flavour's daemon if it is ours and answers."""
    if process.recall(layout.instance(chosen) / "process.json") is None:
        return None
    return version(layout.socket(chosen))


def up(layout: Layout, chosen: Flavour, root: Path, registry: str) -> str:
    """Start the daemon unless it runs with these very settings; returns its version."""
    home, place = layout.instance(chosen), layout.place(chosen)
    home.mkdir(parents=True, exist_ok=True)
    config = json.dumps(settings(chosen, place, home, root, registry), indent=2) + "\n"
    present = running(layout, chosen)
    network.raise_bridge(root, place, layout.network)
    with contextlib.suppress(OSError):
        if present is not None and (home / "daemon.json").read_text() == config:
            return present
    process.stop(home / "process.json")
    (home / "daemon.json").write_text(config)
    (home / "docker.sock").unlink(missing_ok=True)
    (home / "resolv.conf").write_text(network.resolver())
    log = home / "dockerd.log"
    log.unlink(missing_ok=True)
    files = [("/etc/hosts", Path("/etc/hosts")), ("/etc/resolv.conf", home / "resolv.conf")]
    # A company's proxy may sign in the place of the servers: trust what this host trusts, in the
    # daemon alone.
    bundle = Path(os.environ.get("SSL_CERT_FILE") or BUNDLE)
    if bundle.is_file():
        files.append((BUNDLE, bundle))
    pid = jail.spawn(
        jail.Jail(root, (home,), tuple(files)),
        (
            "/usr/bin/docker-init",
            "--",
            "/usr/sbin/dockerd",
            f"--config-file={home / 'daemon.json'}",
        ),
        log,
        proxies(),
    )
    started = process.identify(pid)
    if started is not None:
        process.remember(home / "process.json", started)
    deadline = time.monotonic() + 60
    while (answer := version(home / "docker.sock")) is None:
        if started is None or process.identify(pid) != started or time.monotonic() > deadline:
            process.stop(home / "process.json")
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise EngineError(f"dockerd does not answer; the end of {log}:\n{tail}")
        time.sleep(0.05)
    say(f"Docker {answer} at unix://{home / 'docker.sock'}")
    return answer


def proxies() -> dict[str, str]:
    """The host's proxy settings, for the daemon pulls images and sources itself."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    wanted = (*names, *map(str.lower, names))
    return {name: os.environ[name] for name in wanted if name in os.environ}


def down(layout: Layout, chosen: Flavour, root: Path | None) -> bool:
    """End the daemon, its containers, its bridge, rules and cgroups; its images and cache stay.

    True when it ran.
    """
    home, place = layout.instance(chosen), layout.place(chosen)
    ran = process.stop(home / "process.json")
    (home / "docker.sock").unlink(missing_ok=True)
    network.lower_bridge(root, place)
    _remove_cgroups(place.cgroup)
    return ran


def _remove_cgroups(name: str, top: Path = Path("/sys/fs/cgroup")) -> None:
    """Remove the empty cgroups that a daemon leaves: one tree (v2) or one per controller (v1)."""
    for tree in (top / name, *(child / name for child in top.iterdir() if child.is_dir())):
        for directory, _, _ in os.walk(tree, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)
