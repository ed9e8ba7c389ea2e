"""Debian's docker-registry on a loopback port, and the base images in it."""

import contextlib
import json
import platform
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from engine import debian, jail, oci, process
from engine.layout import Layout
from engine.report import EngineError, say

FIRST_PORT = 5000
LAST_PORT = 5099
# Tag of library/debian, and the suite it is made of.
BASES = {"trixie-slim": "trixie", "bookworm-slim": "bookworm"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def settings(storage: Path, port: int) -> str:
    """The registry's configuration file (JSON is YAML)."""
    return json.dumps(
        {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(storage)},
                "delete": {"enabled": True},
            },
            "http": {"addr": f"127.0.0.1:{port}"},
        },
        indent=2,
    )


def address(layout: Layout) -> str | None:
    """``localhost:<port>`` of the running registry, or None."""
    if process.recall(layout.registry / "process.json") is None:
        return None
    return f"localhost:{(layout.registry / 'port').read_text().strip()}"


def answers(registry: str) -> bool:
    """Whether a registry is listening there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{registry}/v2/", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _choose_port(layout: Layout) -> int:
    """The port of last time if it is free (image names hold it), else the first free one."""
    candidates = list(range(FIRST_PORT, LAST_PORT + 1))
    with contextlib.suppress(OSError, ValueError):
        candidates.insert(0, int((layout.registry / "port").read_text()))
    for port in candidates:
        if _free(port):
            return port
    raise EngineError(f"no free port for the registry between {FIRST_PORT} and {LAST_PORT}")


def up(layout: Layout, root: Path) -> str:
    """Start the registry unless it runs; returns ``localhost:<port>``."""
    home = layout.registry
    running = address(layout)
    if running is not None and answers(running):
        return running
    process.stop(home / "process.json")
    (home / "storage").mkdir(parents=True, exist_ok=True)
    port = _choose_port(layout)
    (home / "port").write_text(f"{port}\n")
    (home / "config.yml").write_text(settings(home / "storage", port))
    log = home / "registry.log"
    log.unlink(missing_ok=True)
    pid = jail.spawn(
        jail.Jail(root, (home,), (("/etc/hosts", Path("/etc/hosts")),)),
        (
            "/usr/bin/docker-init",
            "--",
            "/usr/bin/docker-registry",
            "serve",
            str(home / "config.yml"),
        ),
        log,
        {"OTEL_TRACES_EXPORTER": "none"},
    )
    started = process.identify(pid)
    if started is not None:
        process.remember(home / "process.json", started)
    name = f"localhost:{port}"
    deadline = time.monotonic() + 30
    while not answers(name):
        if process.identify(pid) != started or started is None or time.monotonic() > deadline:
            process.stop(home / "process.json")
            raise EngineError(f"the registry does not answer; its log is {log}")
        time.sleep(0.05)
    say(f"registry at {name}")
    return name


def down(layout: Layout) -> bool:
    """End the registry; what was pushed stays. True when it ran."""
    return process.stop(layout.registry / "process.json")


def provide_bases(layout: Layout, registry: str) -> None:
    """Make the Debian base images that are not in the registry yet."""
    repository = oci.Repository(registry, "library/debian")
    for tag, suite in BASES.items():
        if repository.has(f"manifests/{tag}"):
            continue
        say(f"making debian:{tag} (once)")
        tar = layout.registry / f"{tag}.tar"
        try:
            debian.make_base(suite, tar)
            oci.push_tar(repository, tag, tar, ARCHITECTURES[platform.machine()])
        finally:
            tar.unlink(missing_ok=True)
