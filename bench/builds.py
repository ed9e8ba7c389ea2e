"""What a build costs: wall time against Docker's own frontend, and the frontend process's share."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from engine.layout import FLAVOURS, Layout

MARK = "hutch-bench "
# Runs the frontend as a child and tells the daemon's log what it took, its own start aside.
WRAPPER = f"""
import json, os, resource, sys, time
start = time.monotonic()
child = os.posix_spawn(sys.executable, [sys.executable, *sys.orig_argv[-1].split()], os.environ)
status = os.wait4(child, 0)
taken = {{
    "wall": time.monotonic() - start,
    "cpu": status[2].ru_utime + status[2].ru_stime,
    "memory": status[2].ru_maxrss * 1024,
}}
print("{MARK}" + json.dumps(taken), file=sys.stderr, flush=True)
os._exit(os.waitstatus_to_exitcode(status[1]))
"""

BUNNYFILE = """\
#syntax={frontend}
version: v0.1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: local
  path: vmlinuz
rootfs:
  from: local
  path: initrd.cpio
  type: initrd
cmd: ["/hello"]
"""
DOCKERFILE = """\
FROM scratch
COPY vmlinuz /.boot/kernel
COPY initrd.cpio /.boot/rootfs
COPY urunc.json /urunc.json
CMD ["/hello"]
"""


@dataclass(frozen=True, slots=True)
class Builds:
    """Warm `docker buildx build` of one image, seconds of wall time: medians and their ratio."""

    bunnyfile: float
    dockerfile: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Container:
    """The frontend process in its container: medians of seconds and bytes."""

    wall: float
    cpu: float
    memory: int


def context(directory: Path, frontend: str) -> None:
    """Write a context that both frontends make the same image of: a kernel, an archive, a text."""
    chance = random.Random(0)
    kernel = bytearray(chance.randbytes(8 << 20))
    # By which a 64-bit bzImage is known: a warning would be work that good builds do not have.
    kernel[0x1FE:0x206], kernel[0x236] = b"\x55\xaa\xeb\x6aHdrS", 1
    (directory / "vmlinuz").write_bytes(kernel)
    (directory / "initrd.cpio").write_bytes(chance.randbytes(1 << 20))
    (directory / "urunc.json").write_text("{}\n")
    (directory / "bunnyfile").write_text(BUNNYFILE.format(frontend=frontend))
    (directory / "Dockerfile").write_text(DOCKERFILE)


def build(directory: Path, file: str, tag: str) -> float:
    """Build once and return the seconds it took; raises CalledProcessError when it fails."""
    command = ("docker", "buildx", "build", "--quiet", "--provenance=false", "--tag", tag)
    start = time.monotonic()
    subprocess.run(
        (*command, "--file", str(directory / file), str(directory)),
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - start


def compare(directory: Path, frontend: str, rounds: int) -> Builds:
    """Build with both frontends in turn, so that the machine's moods hit both alike."""
    context(directory, frontend)
    files = {"bunnyfile": "bench:bunnyfile", "Dockerfile": "bench:dockerfile"}
    taken: dict[str, list[float]] = {file: [] for file in files}
    for number in range(rounds + 1):
        for file, tag in files.items():
            seconds = build(directory, file, tag)
            if number > 0:  # the first fills the cache
                taken[file].append(seconds)
    ours = statistics.median(taken["bunnyfile"])
    theirs = statistics.median(taken["Dockerfile"])
    return Builds(ours, theirs, ours / theirs)


def entrypoint(frontend: str) -> list[str]:
    """The entry point of an image that the daemon has or can pull."""
    subprocess.run(("docker", "pull", "--quiet", frontend), check=True, stdout=subprocess.DEVNULL)
    listing = subprocess.check_output(
        ("docker", "image", "inspect", "--format", "{{json .Config.Entrypoint}}", frontend)
    )
    words: list[str] = json.loads(listing)
    return words


def wrapped(frontend: str, directory: Path) -> str:
    """Push an image that runs the frontend under a stop-watch; returns its name."""
    name = f"{frontend}-bench"
    python, *arguments = entrypoint(frontend)
    command = json.dumps([python, "-I", "-S", "-B", "-c", WRAPPER, " ".join(arguments)])
    (directory / "Wrapper").write_text(f"FROM {frontend}\nENTRYPOINT {command}\n")
    options = ("--quiet", "--provenance=false", "--push", "--tag", name)
    subprocess.run(
        ("docker", "buildx", "build", *options, "-f", str(directory / "Wrapper"), str(directory)),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return name


def daemon_log() -> Path | None:
    """The log of the private engine that is in use; a user's own Docker hides its log from us."""
    layout = Layout.from_environment()
    for flavour in FLAVOURS.values():
        if os.environ.get("DOCKER_HOST") == f"unix://{layout.socket(flavour)}":
            return layout.instance(flavour) / "dockerd.log"
    return None


def container(directory: Path, frontend: str, rounds: int) -> Container | None:
    """Measure the frontend process inside warm builds; None where its log cannot be read."""
    log = daemon_log()
    if log is None:
        return None
    context(directory, wrapped(frontend, directory))
    build(directory, "bunnyfile", "bench:wrapped")
    seen = log.stat().st_size
    for _ in range(rounds):
        build(directory, "bunnyfile", "bench:wrapped")
    with log.open("rb") as stream:
        stream.seek(seen)
        lines = stream.read().decode(errors="replace").splitlines()
    taken = [json.loads(line.partition(MARK)[2]) for line in lines if MARK in line]
    if not taken:
        raise SystemExit(f"the frontend left no measurement in {log}")
    return Container(
        statistics.median(t["wall"] for t in taken),
        statistics.median(t["cpu"] for t in taken),
        int(statistics.median(t["memory"] for t in taken)),
    )
