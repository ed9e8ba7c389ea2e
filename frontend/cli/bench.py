"""`hutch bench boot IMAGE`: how long a guest takes to its application's first line, by phase."""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frameworks.runtime.machine import NotBootable
from frontend.cli import complain
from frontend.cli import run as boots
from frontend.cli.options import add_json
from frontend.cli.options import parser as make
from frontend.images import boot, find

if TYPE_CHECKING:
    from frontend.images.oci import Images

PHASES = ("monitor", "kernel", "application", "all")
_ABOUT = {
    "monitor": "from the monitor's start to the kernel's first line",
    "kernel": "from there to the first process",
    "application": "from there to the application's first line",
    "all": "from the monitor's start to the application's first line",
}

_PRINT_ALL = "ignore_loglevel"
"""A parameter of Linux (Documentation/admin-guide/kernel-parameters.txt)."""

_KERNEL = re.compile(rb"(?:^|\] )Linux version \d", re.MULTILINE)
_INIT = re.compile(rb"Run \S+ as init process")
_NOISE = re.compile(rb"^(?:\[ *\d+\.\d+\] .*|hutch-init: .*|\s*)$")


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "bench",
        """
        Each start is one of its own, and the median counts. Phases are those that the console
        tells: of a Linux kernel that prints nothing, as hutch's own, only with --phases. Words
        after `--` are options of `hutch run`.
        """,
        examples=("hutch bench boot localhost:5000/hello:1", "hutch bench boot -n 10 --json ./out"),
        statuses={1: "it cannot be read, or never printed a line"},
    )
    made.usage = "hutch bench [-h] [-n COUNT] [--json] {boot} IMAGE [-- RUN-OPTION ...]"
    made.add_argument("what", choices=("boot",), help="what is measured")
    made.add_argument("image", metavar="IMAGE", help="as for `hutch run`, but for a build file")
    made.add_argument("-n", "--count", type=int, default=3, help="how many starts (3)")
    made.add_argument("--timeout", type=boots.seconds, default=120.0, help="of each (120 seconds)")
    made.add_argument(
        "--phases",
        action="store_true",
        help="have a Linux kernel print all that it does, which takes time, to tell phases apart",
    )
    add_json(made)
    return made


def parse(words: list[str]) -> argparse.Namespace:
    """The command line: after `--` is for `hutch run`."""
    at = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:at])
    if options.count < 1:
        why = "a median needs one start at least"
        parser().error(why)
    options.told = boots.parser().parse_args([*words[at + 1 :], options.image])
    if options.phases:
        options.told.append.append(_PRINT_ALL)
    return options


def run(options: argparse.Namespace) -> int:
    """Measure, and print a table or JSON."""
    with find.images(options.image, options.told.pull) as images:
        try:
            rounds = [_start(images, options) for _ in range(options.count)]
        except (NotBootable, boot.NotInstalled) as error:
            return complain(str(error))
    found = medians(rounds)
    if options.json:
        json.dump({"starts": options.count, "seconds": found}, sys.stdout, indent=2)
        print()
        return 0
    for name in PHASES:
        if name in found:
            print(f"{name:<12}{found[name]:8.3f} s  {_ABOUT[name]}")
    return 0


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each phase that every start has."""
    shared = [name for name in PHASES if all(name in each for each in rounds)]
    return {name: round(statistics.median(each[name] for each in rounds), 4) for name in shared}


def _start(images: Images, options: argparse.Namespace) -> dict[str, float]:
    """The phases of one start. Raises OSError where the guest prints nothing."""
    clock = Clock()
    with (
        tempfile.TemporaryDirectory(prefix="hutch-bench-") as name,
        boots.prepared(images, Path(name), options.told) as ready,
    ):
        clock.start = time.monotonic()
        with boot.Guest(ready.command, ready.user, echo=clock.feed, network=ready.network) as guest:
            end = clock.start + options.timeout
            while not clock.done.wait(0.05) and not guest.ended:
                if time.monotonic() > end:
                    break
            output = guest.output
    phases = clock.phases()
    if "all" not in phases:
        last = "\n".join(output.splitlines()[-5:])
        raise OSError(f"the guest never printed a line of its application's:\n{last}")
    return phases


class Clock:
    """When each phase of a boot began, by what the guest prints and when."""

    def __init__(self) -> None:
        self.start = 0.0
        self.done = threading.Event()
        self._text = b""
        self._kernel = self._init = self._first = 0.0

    def feed(self, data: bytes) -> None:
        """Take what the guest has printed now."""
        now = time.monotonic()
        self._text += data
        if not self._kernel and _KERNEL.search(self._text):
            self._kernel = now
        if self._kernel and not self._init and (found := _INIT.search(self._text)):
            self._init = now
            self._text = self._text[found.end() :].partition(b"\n")[2]
        if self._first or (self._kernel and not self._init):
            return
        *lines, self._text = self._text.split(b"\n")
        if any(not _NOISE.match(line.strip(b"\r")) for line in lines):
            self._first = now
            self.done.set()

    def phases(self) -> dict[str, float]:
        """Each phase that was seen, in seconds."""
        found = {}
        if self._kernel:
            found["monitor"] = self._kernel - self.start
        if self._init:
            found["kernel"] = self._init - self._kernel
        if self._init and self._first:
            found["application"] = self._first - self._init
        if self._first:
            found["all"] = self._first - self.start
        return found
