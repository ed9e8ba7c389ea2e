"""A second engine beside the one that the tests use: up, up again, killed, up, down, down again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.debian import root_path
from engine.layout import DEFAULT, FORKY, Layout
from tests.integration.harness import engines

pytestmark = pytest.mark.integration


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state directory that borrows roots and base images, so that nothing is downloaded."""
    known = Layout.from_environment()
    if not root_path(known.roots, FORKY).is_dir() or os.geteuid() != 0:
        pytest.skip("the private engine is not in use here")
    (tmp_path / "roots").symlink_to(known.roots)
    shutil.copytree(
        known.registry / "storage",
        tmp_path / "registry/storage",
        copy_function=link_or_copy,
        ignore=shutil.ignore_patterns("_uploads"),
    )
    with engines.alone(known.roots):
        yield tmp_path
        engine(tmp_path, "down")


def engine(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the engine's command on this state directory, with a registry of its own."""
    own = {"HUTCH_ENGINE_DIR": str(state), "HUTCH_REGISTRY": ""}
    return engines.engine(*arguments, environ=own)


def link_or_copy(source: str, target: str) -> None:
    """Blobs never change, so a hard link will do where it can be made."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def mounted(state: Path) -> list[str]:
    """What is mounted for an engine with this state, where everybody sees it."""
    places = (str(state), str((state / "roots").resolve()))
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if any(place in line for place in places)]


def test_up_down_and_what_is_left(state: Path) -> None:
    place = Layout(state).place(DEFAULT)
    up = engine(state, "up", "--engine", "28")
    assert up.returncode == 0, up.stderr
    assert engine(state, "status", "--engine", "28").returncode == 0
    record = state / "instances/28/process.json"
    first = record.read_text()

    again = engine(state, "up", "--engine", "28")
    assert (again.returncode, again.stderr) == (0, "")
    assert record.read_text() == first

    hello = engine(
        state, "run", "--engine", "28", "--", "docker", "run", "--rm", "debian:trixie-slim", "id"
    )
    assert hello.stdout.startswith("uid=0(root)"), hello.stderr
    assert mounted(state) == []

    os.kill(json.loads(first)["pid"], signal.SIGKILL)
    assert engine(state, "env", "--engine", "28").returncode == 1
    assert engine(state, "up", "--engine", "28").returncode == 0
    assert record.read_text() != first
    env = json.loads(engine(state, "env", "--engine", "28", "--json").stdout)
    assert env["DOCKER_HOST"] == f"unix://{state}/instances/28/docker.sock"
    assert Path("/sys/class/net", place.bridge).exists()

    assert engine(state, "down").returncode == 0
    assert engine(state, "down").returncode == 0
    assert engine(state, "status", "--engine", "28").returncode == 1
    assert not Path("/sys/class/net", place.bridge).exists()
    assert mounted(state) == []
    cgroups = [*Path("/sys/fs/cgroup").glob(place.cgroup)]
    cgroups += Path("/sys/fs/cgroup").glob(f"*/{place.cgroup}")
    assert cgroups == []
    assert str(state) not in processes()


def processes() -> str:
    """The command lines of all processes but this one."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        if path.parent.name != str(os.getpid()):
            try:
                lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    return "\n".join(lines)
