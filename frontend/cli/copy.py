"""`hutch copy REF REF`: an image from one registry to another."""

from __future__ import annotations

import argparse

from frontend.cli import push
from frontend.cli.options import parser as make


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "copy",
        """
        Every platform, byte for byte, so that the digest stays what it was; within one registry the
        layers are not sent. Docker is not asked. Credentials are those of `docker login`.
        """,
        examples=("hutch copy localhost:5000/hello:1 registry.example/hello:1",),
        statuses={1: "it cannot be read or written"},
    )
    made.add_argument("source", metavar="SOURCE", help="the name to read")
    push.add_target(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Copy it."""
    from frontend.images.registry import Repository

    with Repository(options.source, plain=options.plain_http) as source:
        return push.send(source, options)
