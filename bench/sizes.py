"""The images of docs/applications.md beside the same applications as containers.

    python3 -m engine run -- python3 -m bench.sizes --image hutch:dev

Each is built by hutch, and by Docker's own frontend of the same base and the same files; both are
pushed, and what counts is what a registry has of their layers, compressed: what a pull moves. The
table on the page is written anew.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import builds
from bench.image import blobs, layers
from frontend.bunnyfile import load
from tests.integration.harness import services
from tests.places import EXAMPLES, ROOT

PAGE = services.PAGE
BEGIN, END = "<!-- bench/sizes.py begins -->", "<!-- it ends -->"

_APP = "app"
"""The folder with the application's artifacts, in the container's build context."""

_LISTS = "rm -rf /var/lib/apt/lists/*"
"""What Dockerfiles do after apt. Docker's image of Debian throws apt's archives away by itself; the
engine's, which is made of Debian's packages, does not."""

_DEBIAN = (
    "FROM debian:trixie-slim\n"
    "RUN apt-get update -q && apt-get install -y -q --no-install-recommends {packages} && "
    f"{_LISTS}\n"
)

CONTAINERS: Mapping[str, str] = {
    **dict.fromkeys(
        ("go", "rust", "c", "cmake"), f"FROM scratch\nCOPY {_APP}/server /bin/server\n"
    ),
    "node": _DEBIAN.format(packages="nodejs") + f"COPY {_APP}/ /srv/\n",
    "packages": _DEBIAN.format(packages="nginx-light"),
}
"""Of services without a Dockerfile of their own, what Docker builds of the same."""

TITLES: Mapping[str, str] = {"packages": "nginx, by `rootfs.packages`"}
"""Names of rows that are not the heading's."""

EXAMPLE = "linux-redis"
"""What the page has no service for, but the examples have: a database."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Compressed bytes: of the container, of the whole image of the guest, and of its kernel.

    `root` is the kind of the guest's root filesystem, as its bunnyfile has it.
    """

    container: int
    image: int
    kernel: int
    root: str


def measure(frontend: str, registry: str) -> dict[str, Sizes]:
    """Build, push and weigh each, by the name that the table has."""
    found = {}
    for name, service in services.SERVICES.items():
        with tempfile.TemporaryDirectory() as folder:
            directory = Path(folder)
            text = services.project(service, directory)
            options = services.trusted(directory)
            title = TITLES.get(name, service.heading)
            found[title] = _sizes(name, text, directory, frontend, registry, options)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(EXAMPLES / EXAMPLE, folder, dirs_exist_ok=True)
        text = (Path(folder) / "bunnyfile").read_text().partition("\n")[2]
        found["Redis"] = _sizes(EXAMPLE, text, Path(folder), frontend, registry, ())
    return found


def _sizes(
    name: str,
    text: str,
    directory: Path,
    frontend: str,
    registry: str,
    options: tuple[str, ...],
) -> Sizes:
    file, dockerfile = directory / "bunnyfile", directory / "Dockerfile"
    file.write_text(f"#syntax={frontend}\n{text}")
    guest, container = (f"{registry}/hutch-bench/{name}:{kind}" for kind in ("guest", "container"))
    if dockerfile.exists():
        dockerfile.write_text(_cleaning(dockerfile.read_text()))
    builds.build(directory, file.name, *options, "--push", "--tag", guest)
    if name in CONTAINERS:
        if _APP in CONTAINERS[name]:
            output = f"type=local,dest={directory / _APP}"
            builds.build(directory, file.name, *options, "--target", "app", "--output", output)
        dockerfile.write_text(_cleaning(CONTAINERS[name]))
    builds.build(directory, dockerfile.name, *options, "--push", "--tag", container)
    # The layers of a guest's image are in the order of docs/image.md, the kernel first.
    kernel = next(iter(blobs(guest).values()))
    return Sizes(layers(container)[1], layers(guest)[1], kernel, root(text))


def _cleaning(dockerfile: str) -> str:
    return dockerfile.replace(_LISTS, f"{_LISTS} /var/cache/apt/*")


def root(text: str) -> str:
    """The kind of the root filesystem that a bunnyfile asks for."""
    rootfs = load(text.encode(), "bunnyfile").bunnyfile.rootfs
    assert rootfs is not None
    return str(rootfs.filesystem or rootfs.type)


def table(sizes: Mapping[str, Sizes]) -> str:
    """The table in Markdown."""
    lines = [
        "| | container | guest | its kernel | root filesystem | guest to container |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in sizes.items():
        cells = (
            name,
            *(f"{size:,}" for size in (each.container, each.image, each.kernel)),
            each.root,
            f"{each.image / each.container:.2f}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure against the engine in the environment, and write the table."""
    parser = argparse.ArgumentParser(prog="bench.sizes")
    parser.add_argument("--image", default="hutch:dev", help="the frontend, in the registry")
    options = parser.parse_args()
    registry = os.environ.get("HUTCH_REGISTRY")
    if not registry:
        print("bench: run it with `make sizes`, which sets up an engine", file=sys.stderr)
        return 1
    written = table(measure(f"{registry}/{options.image}", registry))
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n\n{written}\n{END}{tail}")
    print(written)
    print(f"written to {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
