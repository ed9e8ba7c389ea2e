"""`hutch dev FILE`: build and boot, and again after each change."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from frameworks.runtime.machine import NotBootable
from frontend.cli import buildx, complain
from frontend.cli import run as boots
from frontend.cli.console import Console, plain
from frontend.cli.options import parser as make
from frontend.images import boot, docker
from frontend.inputs.localfile import LocalContext, ignores

if TYPE_CHECKING:
    from collections.abc import Mapping

    from frontend.images.oci import Images

_EVERY = 0.3
"""How often files are looked at, in seconds."""
_KEPT = 1 << 16


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "dev",
        """
        The guest runs until a file of the build context changes. Then the image is built anew, of
        which BuildKit has all but what the change touches, and the guest is started again; while a
        build fails the old guest goes on. What .dockerignore names changes nothing. Ctrl-C ends it.

        Words after `--` are options of `hutch run`.
        """,
        examples=("hutch dev", "hutch dev service -- -p 8080:80 -q"),
        statuses={0: "", 1: "there is nothing to build, or nothing to build with", 141: ""},
    )
    made.usage = "hutch dev [-h] [FILE | DIR] [-- RUN-OPTION ...]"
    made.add_argument("path", nargs="?", metavar="FILE", help="a build file or its directory (.)")
    return made


def parse(words: list[str]) -> argparse.Namespace:
    """The command line: after `--` is for `hutch run`."""
    at = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:at])
    options.told = boots.parser().parse_args([*words[at + 1 :], "image"])
    return options


def run(options: argparse.Namespace) -> int:
    """Build, boot, wait for a change, and so on; Ctrl-C raises KeyboardInterrupt."""
    file, context = buildx.where(options.path, None)
    if file is None:
        raise OSError(f"'{context}' is not a directory of this machine: nothing there changes")
    found = docker.find()
    told = options.told
    platform = () if told.platform is None else ("--platform", str(told.platform))
    request = buildx.Request(platform, file, context)
    with Guests(told) as guests:
        while True:
            seen = snapshot(file, context)
            start = time.monotonic()
            with buildx.built(request, found) as images:
                if images is not None:
                    guests.start(images)
                    complain(f"started after {time.monotonic() - start:.1f} s")
            while snapshot(file, context) == seen:
                guests.look()
                time.sleep(_EVERY)


class Guests:
    """The guest that runs, if one does; another takes its place."""

    def __init__(self, told: argparse.Namespace) -> None:
        """`told` are the options of `hutch run`."""
        self._told = told
        self._open = ExitStack()
        self._guest: boot.Guest | None = None

    def __enter__(self) -> Guests:
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._open.close()

    def start(self, images: Images) -> None:
        """End the guest, and start that of `images`; what cannot be booted is said."""
        fresh = ExitStack()
        try:
            name = fresh.enter_context(tempfile.TemporaryDirectory(prefix="hutch-dev-"))
            ready = fresh.enter_context(boots.prepared(images, Path(name), self._told))
            # Its ports may be those of the one before.
            self._open.close()
            console = Console(_write, config_as_initrd=ready.contract.rootfs != "initrd")
            guest = boot.Guest(
                ready.command,
                ready.user,
                echo=console.feed,
                keep=_KEPT,
                network=ready.network,
            )
            self._guest = fresh.enter_context(guest)
            self._open = fresh.pop_all()
        except (NotBootable, boot.NotInstalled) as error:
            complain(str(error))
        finally:
            fresh.close()

    def look(self) -> None:
        """Say it when the guest has ended."""
        if self._guest is not None and self._guest.ended:
            status = self._guest.wait().status
            self._guest = None
            complain(f"the guest ended with status {status}; a change starts it again")


def snapshot(file: str, context: str) -> Mapping[str, tuple[int, int]]:
    """Each file of the build context with its time and size, and the build file itself."""
    ignored = LocalContext(context, file).patterns
    found = {}
    for folder, folders, names in os.walk(context):
        below = os.path.relpath(folder, context)
        folders[:] = [each for each in folders if each != ".git"]
        if not any(pattern.startswith("!") for pattern in ignored):
            folders[:] = [
                each for each in folders if not ignores(ignored, os.path.join(below, each))
            ]
        for name in names:
            path = os.path.join(below, name)
            if not ignores(ignored, path):
                found[path] = _stamp(os.path.join(folder, name))
    found[""] = _stamp(file)
    return found


def _stamp(path: str) -> tuple[int, int]:
    try:
        info = os.stat(path)
    except OSError:
        return 0, 0
    return info.st_mtime_ns, info.st_size


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(plain(data))
    sys.stdout.buffer.flush()
