"""What a build costs: wall time against other frontends, and the frontend process's share.

The peer is the Go tool that reads v0.1 files, where HUTCH_BENCH_PEER names its image.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.image import blobs
from bench.profiled import MARK
from engine.layout import FLAVOURS, Layout

ROOT = Path(__file__).resolve().parent
PROGRAMS = "/usr/lib/python3.13"
PYTHON = ["/usr/bin/python3", "-I", "-S", "-B", "-m"]
PEER = "HUTCH_BENCH_PEER"

BUNNYFILE = """\
#syntax={frontend}
version: v0.1
platforms:
  framework: linux
  monitor: qemu
kernel:
  from: local
  path: vmlinuz
rootfs: {rootfs}
cmd: ["/hello"]
"""
GIVEN = "{from: local, path: initrd.cpio, type: initrd}"
PROGRAM = "{{from: scratch, type: {type}, include: [hello:/hello]}}"
DOCKERFILE = """\
FROM scratch
COPY vmlinuz /.boot/kernel
COPY {copy}
COPY urunc.json /urunc.json
CMD ["/hello"]
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A frontend's process in warm builds: medians of seconds and bytes, and the calls it makes."""

    cpu: float
    memory: int
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Where the wall time of our process goes: medians of seconds by phase, and of the whole.

    `rounds` are the calls that it had to wait for, one after the other; `modules` what it imports.
    """

    phases: Mapping[str, float]
    wall: float
    rounds: float
    modules: int


@dataclass(frozen=True, slots=True)
class Content:
    """What an image has beside its kernel: `rootfs` of a v0.1 file, and what of a Dockerfile's COPY
    makes the same, where one can."""

    rootfs: str
    copy: str | None


ARCHIVE = Content(GIVEN, "initrd.cpio /.boot/rootfs")
RAW = Content(PROGRAM.format(type="raw"), "hello /hello")
CONTENTS = {
    "an archive that is there": ARCHIVE,
    "raw, of a program": RAW,
    "initrd, of a program": Content(PROGRAM.format(type="initrd"), None),
}


def files(frontends: Mapping[str, str], content: Content = ARCHIVE) -> tuple[str, ...]:
    """The names of the files that `context` writes to be built."""
    return (*frontends, *(("Dockerfile",) if content.copy else ()))


def context(directory: Path, frontends: Mapping[str, str], content: Content = ARCHIVE) -> None:
    """Write a context that all frontends make the same image of: a kernel, an archive or a program,
    a text.

    For each of `frontends`, names of files, there is a v0.1 file that its image is to build.
    """
    chance = random.Random(0)
    kernel = bytearray(chance.randbytes(8 << 20))
    # By which a 64-bit bzImage is known: a warning would be work that good builds do not have.
    kernel[0x1FE:0x206], kernel[0x236] = b"\x55\xaa\xeb\x6aHdrS", 1
    (directory / "vmlinuz").write_bytes(kernel)
    (directory / "initrd.cpio").write_bytes(chance.randbytes(1 << 20))
    (directory / "hello").write_bytes(chance.randbytes(1 << 20))
    (directory / "urunc.json").write_text("{}\n")
    for file, image in frontends.items():
        text = BUNNYFILE.format(frontend=image, rootfs=content.rootfs)
        (directory / file).write_text(text)
    if content.copy:
        (directory / "Dockerfile").write_text(DOCKERFILE.format(copy=content.copy))


def build(directory: Path, file: str, *output: str) -> float:
    """Build once and return the seconds it took."""
    command = ("docker", "buildx", "build", "--quiet", "--provenance=false", *output)
    return timed((*command, "--file", str(directory / file), str(directory)))


def timed(command: Sequence[str]) -> float:
    """The seconds that a command takes; ends the run with its words when it fails."""
    start = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return time.monotonic() - start


def in_turn(tasks: Mapping[str, Sequence[str]], rounds: int) -> dict[str, float]:
    """Median seconds of commands that take turns: so the machine's moods hit all alike."""
    taken: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, command in tasks.items():
            seconds = timed(command)
            if number > 0:  # the first fills the cache
                taken[name].append(seconds)
    return {name: statistics.median(each) for name, each in taken.items()}


def warm(
    directory: Path, images: Mapping[str, str], rounds: int, content: Content = ARCHIVE
) -> dict[str, float]:
    """Median seconds of warm builds: of `images`, frontends by names of files, and of Docker's."""
    context(directory, images, content)
    return in_turn(
        {
            file: (
                *("docker", "buildx", "build", "--quiet", "--provenance=false"),
                *("--tag", f"bench:{file.lower()}", "--file", str(directory / file)),
                str(directory),
            )
            for file in files(images, content)
        },
        rounds,
    )


def moved(directory: Path, images: Mapping[str, str], registry: str) -> dict[str, int]:
    """The bytes that a registry lacks of an image whose application alone has changed."""
    context(directory, images, RAW)
    found = {}
    for file in files(images, RAW):
        name = f"{registry}/bench-moved:{file.lower()}"
        listed = []
        for _ in range(2):
            (directory / "hello").write_bytes(os.urandom(1 << 20))
            build(directory, file, "--push", "--tag", name)
            listed.append(blobs(name))
        before, after = listed
        found[file] = sum(size for digest, size in after.items() if digest not in before)
    return found


def together(
    directory: Path, images: Mapping[str, str], count: int, rounds: int
) -> dict[str, float]:
    """Median seconds of `count` files in one warm bake, by frontends and by Docker's own.

    On a busy machine so many containers may not start in the ten seconds that BuildKit gives a
    frontend: then the run ends here.
    """
    context(directory, images)
    tasks: dict[str, Sequence[str]] = {}
    for file in (*images, "Dockerfile"):
        text = (directory / file).read_text()
        targets = {}
        for number in range(count):
            name = f"{file}-{number}"
            (directory / name).write_text(text.replace('"/hello"', f'"/hello", "{number}"'))
            targets[name] = {
                "context": str(directory),
                "dockerfile": name,
                "output": ["type=cacheonly"],
                "attest": ["type=provenance,disabled=true"],
            }
        plan = directory / f"{file}.bake.json"
        plan.write_text(
            json.dumps({"group": {"default": {"targets": list(targets)}}, "target": targets})
        )
        command = ("docker", "buildx", "bake", "--allow=fs.read=*", "--file", str(plan))
        tasks[file] = command
    return in_turn(tasks, rounds)


def entrypoint(image: str) -> list[str]:
    """The entry point of an image that the daemon has or can pull."""
    subprocess.run(("docker", "pull", "--quiet", image), check=True, stdout=subprocess.DEVNULL)
    listing = subprocess.check_output(
        ("docker", "image", "inspect", "--format", "{{json .Config.Entrypoint}}", image)
    )
    words: list[str] = json.loads(listing)
    return words


def variant(name: str, lines: Sequence[str], directory: Path) -> str:
    """Push an image that these lines of a Dockerfile make of what is in a directory."""
    (directory / "Wrapper").write_text("\n".join(lines) + "\n")
    options = ("--push", "--tag", name)
    build(directory, "Wrapper", *options)
    return name


def with_program(name: str, frontend: str, program: str, words: Sequence[str], *lines: str) -> str:
    """Push `frontend` with a program of this directory for its entry point."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        shutil.copy(ROOT / f"{program}.py", directory)
        entry = json.dumps([*PYTHON, program, *words])
        made = [
            f"FROM {frontend}",
            f"COPY {program}.py {PROGRAMS}/",
            *lines,
            f"ENTRYPOINT {entry}",
        ]
        return variant(name, made, directory)


def daemon_log() -> Path | None:
    """The log of the private engine that is in use; a user's own Docker hides its log from us."""
    layout = Layout.from_environment()
    for flavour in FLAVOURS.values():
        if os.environ.get("DOCKER_HOST") == f"unix://{layout.socket(flavour)}":
            return layout.instance(flavour) / "dockerd.log"
    return None


def told(directory: Path, image: str, rounds: int) -> list[dict[str, Any]]:
    """What a frontend's program tells of warm builds; [] where its log cannot be read."""
    log = daemon_log()
    if log is None:
        return []
    context(directory, {"bunnyfile": image})
    build(directory, "bunnyfile", "--tag", "bench:told")
    seen = log.stat().st_size
    for _ in range(rounds):
        build(directory, "bunnyfile", "--tag", "bench:told")
    with log.open("rb") as stream:
        stream.seek(seen)
        lines = stream.read().decode(errors="replace").splitlines()
    found = [json.loads(line.partition(MARK)[2]) for line in lines if MARK in line]
    if not found:
        raise SystemExit(f"the frontend left no measurement in {log}")
    return found


def process(directory: Path, frontend: str, image: str, rounds: int) -> Process | None:
    """Measure the process of `image`, any frontend, with a relay out of `frontend` around it."""
    words, lines = entrypoint(image), []
    if image != frontend:
        lines.append(f"COPY --from={image} / /peer/")
        words[0] = "/peer" + words[0]
    name = with_program(f"{frontend}-relay", frontend, "relay", words, *lines)
    found = told(directory, name, rounds)
    if not found:
        return None
    return Process(
        statistics.median(each["cpu"] for each in found),
        int(statistics.median(each["memory"] for each in found)),
        tuple(found[-1]["calls"]),
    )


def profile(directory: Path, frontend: str, rounds: int) -> Profile | None:
    """Measure the phases of our process."""
    found = told(directory, with_program(f"{frontend}-profiled", frontend, "profiled", ()), rounds)
    if not found:
        return None
    names = {name for each in found for name in each["phases"]}
    phases = {
        name: statistics.median(each["phases"].get(name, 0.0) for each in found) for name in names
    }
    return Profile(
        dict(sorted(phases.items(), key=lambda item: -item[1])),
        statistics.median(each["wall"] for each in found),
        statistics.median(each["rounds"] for each in found),
        found[-1]["modules"],
    )


def tricks(frontend: str, rounds: int) -> dict[str, float]:
    """Median seconds of processor time of an import, with and without each trick of a start."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        for package in ("frontend", "frameworks", "llb", "schemas", "image"):
            shutil.copytree(
                ROOT.parent / package,
                directory / "source" / package,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
        shutil.copy(ROOT / "tricks.py", directory)
        make = json.dumps([*PYTHON, "tricks", "make", "/source"])
        name = variant(
            f"{frontend}-tricks",
            [
                f"FROM {frontend}",
                f"COPY tricks.py {PROGRAMS}/",
                "COPY source /source",
                f"RUN {make}",
            ],
            directory,
        )
    command = ("docker", "run", "--rm", "--network=none", f"--entrypoint={PYTHON[0]}", name)
    subprocess.run(("docker", "pull", "--quiet", name), check=True, stdout=subprocess.DEVNULL)
    output = subprocess.check_output((*command, *PYTHON[1:], "tricks", "run", str(rounds)))
    seconds: dict[str, float] = json.loads(output)
    return seconds
