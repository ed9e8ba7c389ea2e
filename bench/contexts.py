"""What a build makes of its context and of many files, beside the other frontends: how long it
takes where little is used, what runs again, how many layers there are."""

from __future__ import annotations

import os
import random
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import builds, image, steps

UNUSED = 200_000_000
"""Bytes of a context that no build uses."""
USED = 1024
"""Bytes of each of the two files that it uses."""
INCLUDES = 150


@dataclass(frozen=True, slots=True)
class Contexts:
    """By the names of build files.

    `large` are median seconds of a first build of a new context of `UNUSED` bytes; `added` how many
    steps run when it gets a file that nobody uses; `layers` those of an image of `INCLUDES` files,
    None where the build fails. `load` is the machine's before it began.
    """

    large: Mapping[str, float]
    added: Mapping[str, int]
    layers: Mapping[str, int | None]
    load: float


def measure(images: Mapping[str, str], registry: str, rounds: int) -> Contexts:
    """Measure `images`, frontends by names of files, and Docker's own, against the engine."""
    load = round(os.getloadavg()[1], 1)
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as folder:
        return Contexts(
            large(Path(folder, "large"), images, rounds),
            added(Path(folder, "added"), images),
            layers(Path(folder, "layers"), images, registry),
            load,
        )


def _context(directory: Path, images: Mapping[str, str]) -> tuple[str, ...]:
    """Write a context of two small files that are used; returns the names of the build files."""
    directory.mkdir(parents=True)
    builds.context(directory, images, builds.RAW)
    for name in ("vmlinuz", "hello"):
        os.truncate(directory / name, USED)
    (directory / "initrd.cpio").unlink()
    return builds.files(images, builds.RAW)


def large(directory: Path, images: Mapping[str, str], rounds: int) -> dict[str, float]:
    """Each build is of a new directory, of which the daemon has nothing; frontends take turns."""
    directory.mkdir()
    unused = directory / "unused"
    unused.write_bytes(random.Random(0).randbytes(UNUSED))
    taken: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for file in builds.files(images, builds.RAW):
            place = directory / f"{number}-{file}"
            _context(place, images)
            os.link(unused, place / "unused")
            seconds = builds.build(place, file, "--output", "type=cacheonly")
            shutil.rmtree(place)
            if number > 0:  # the first fills the cache with the steps
                taken.setdefault(file, []).append(seconds)
    return {file: statistics.median(each) for file, each in taken.items()}


def added(directory: Path, images: Mapping[str, str]) -> dict[str, int]:
    """The steps that run, of a build that was built a moment ago."""
    found = {}
    words = ("docker", "buildx", "build", "--progress=rawjson", "--provenance=false")
    for file in _context(directory, images):
        build = (*words, "--output=type=cacheonly", "--file", str(directory / file))
        steps.run(*build, str(directory))
        (directory / f"unrelated to {file}").write_text("nobody uses it")
        ran = steps.ended(steps.run(*build, str(directory)).splitlines())
        found[file] = len(ran)
    return found


def layers(directory: Path, images: Mapping[str, str], registry: str) -> dict[str, int | None]:
    """How many layers an image has whose files are named one by one."""
    found: dict[str, int | None] = {}
    files = _context(directory, images)
    names = [f"file-{number}" for number in range(INCLUDES)]
    for name in names:
        (directory / name).write_text(name)
    for file in files:
        text = (directory / file).read_text()
        more = "".join(f", {name}:/{name}" for name in names)
        copies = "".join(f"COPY {name} /{name}\n" for name in names)
        text = text.replace("hello:/hello]", f"hello:/hello{more}]")
        (directory / file).write_text(text.replace("CMD", f"{copies}CMD"))
        name = f"{registry}/bench-includes:{file.lower()}"
        try:
            builds.build(directory, file, "--push", "--tag", name)
        except SystemExit as failed:
            print(f"bench: no image of {INCLUDES} files by {file}: {failed}")
            found[file] = None
            continue
        found[file] = image.layers(name)[0]
    return found
