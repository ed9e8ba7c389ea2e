"""The command that packs a tree: `python3 -m frameworks.steps.pack FORMAT --tree DIR --output F`.

It runs in hutch's own image, as a step of the build. Its only inputs are its arguments and the
tree. The time of what it makes is `--epoch`, or without it the newest time in the tree, so the
bytes depend on the content alone. What the format could not keep of the tree goes to `--report`, as
JSON (`Report`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import import_module

from frameworks.rootfs.filesystems import INITRD, TABLE
from frameworks.runtime import RUNTIME
from frameworks.steps import bounds, cpio, full
from frameworks.steps.entries import newest, walk
from frameworks.steps.job import Job, PackError

_INITRD = "initrd"
_NAMED = 20
"""How many names a report has at most."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a format could not keep: how many files it was, and the first of their names.

    `capabilities` are those that had what setcap(8) gives, `times` those that got another time.
    """

    capabilities: tuple[int, list[str]] = (0, [])
    times: tuple[int, list[str]] = (0, [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack a tree as the arguments say; 0, or 1 with one line on stderr."""
    parser = argparse.ArgumentParser(prog="pack", description="Pack a tree of files.")
    parser.add_argument("format", choices=(_INITRD, *TABLE))
    parser.add_argument("--tree", required=True, help="the directory to pack")
    parser.add_argument("--output", required=True, help="the file to write")
    parser.add_argument("--epoch", type=int, help="no time may be newer, in seconds")
    parser.add_argument("--size", type=int, help="size of a file system in bytes; default: fits")
    parser.add_argument("--stage", help="an empty directory in memory, to copy the tree to")
    parser.add_argument("--report", help="the file to write what was not kept into")
    options = parser.parse_args(arguments)
    try:
        report = pack(
            options.format,
            options.tree,
            options.output,
            options.epoch,
            options.size,
            options.stage,
        )
        if options.report:
            with open(options.report, "w", encoding="utf-8") as file:
                json.dump(asdict(report), file)
    except (PackError, bounds.Exceeds, OSError) as error:
        print(f"hutch: {full.words(error)}", file=sys.stderr)
        return 1
    return 0


def pack(
    format: str,
    tree: str,
    output: str,
    epoch: int | None = None,
    size: int | None = None,
    stage: str | None = None,
) -> Report:
    """Pack `tree` into the file `output`; `stage` is where copies go, beside `output` without it.

    Raises PackError where the content does not fit, or the file system's own tool fails, and
    bounds.Exceeds for a file that the format cannot hold.
    """
    limits = INITRD if format == _INITRD else TABLE[format].limits
    fitted = bounds.fit(limits, walk(tree, epoch))
    entries = fitted.entries
    os.makedirs(os.path.dirname(output), 0o755, exist_ok=True)
    when = newest(entries) if epoch is None else min(epoch, limits.latest)
    if format == _INITRD:
        with open(output, "wb") as out:
            cpio.write(entries, out)
    else:
        job = Job(TABLE[format], entries, output, when, size, stage or os.path.dirname(output))
        import_module(f"frameworks.steps.{job.filesystem.writer}").write(job)
    os.chmod(output, RUNTIME.initrd_mode if format == _INITRD else RUNTIME.drive_mode)
    # The output is a layer of the image: the step's own clock must not be seen in it.
    os.utime(output, (when, when))
    os.utime(os.path.dirname(output), (when, when))
    lost = [e.name for e in entries if format == _INITRD and e.capability() is not None]
    return Report(_named(lost), _named(fitted.clamped))


def _named(names: Sequence[bytes]) -> tuple[int, list[str]]:
    return len(names), [bounds.shown(name) for name in names[:_NAMED]]


if __name__ == "__main__":
    sys.exit(main())
