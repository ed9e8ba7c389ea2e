"""`hutch push LAYOUT REF`: an image of a file, or of Docker, into a registry."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from frontend.cli.options import add_platform
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from frontend.images.oci import Images


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "push",
        """
        Every platform, byte for byte, so that the digest stays what it was. Credentials are those
        of `docker login`. A registry on this machine is spoken to without TLS, as Docker does.
        """,
        examples=(
            "hutch push ./layout registry.example/hello:1",
            "hutch push hello.tar localhost:5000/hello:1",
        ),
        statuses={1: "it cannot be read or written"},
    )
    made.add_argument(
        "layout", metavar="LAYOUT", help="an OCI layout, what Docker saved, or an image of Docker"
    )
    add_target(made)
    return made


def add_target(to: argparse.ArgumentParser) -> None:
    """Add the reference to write to, and how."""
    to.add_argument("ref", metavar="REF", help="the name to write to")
    add_platform(to, "this image of several alone, such as linux/arm64 or arm64")
    add_plain(to)


def add_plain(to: argparse.ArgumentParser) -> None:
    """Add `--plain-http`."""
    to.add_argument("--plain-http", action="store_true", help="the registry has no TLS")


def run(options: argparse.Namespace) -> int:
    """Push it."""
    from frontend.images import find

    with find.images(options.layout, "never") as source:
        return send(source, options)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def send(source: Images, options: argparse.Namespace) -> int:
    """Copy an image to where the options say, and print the name that is sure to mean it."""
    from frontend.images import write

    target = write.Target(options.ref, plain=options.plain_http)
    chosen = "" if options.platform is None else source.image(options.platform).digest
    digest = write.copy(source, target, digest=chosen, tell=_tell)
    print(f"{target.ref.domain}/{target.ref.path}@{digest}")
    return 0
