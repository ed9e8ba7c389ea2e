"""What the programs that install the BSDs' packages into a tree have in common."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from frameworks.steps import full
from frameworks.steps.unpack import ERRORS

Install = Callable[[Path, str, int], None]
"""Puts a package's file into a tree, with a time of seconds since 1970 for what it makes."""


def main(
    arguments: Sequence[str] | None,
    install: Install,
    finish: Callable[[str, int], None] | None = None,
) -> int:
    """Install all files of `PACKAGES TREE TIME`; 0, or 1 with one line on stderr.

    `finish` is called last with the tree and the time. Both may raise `ERRORS`.
    """
    packages, tree, when = sys.argv[1:] if arguments is None else arguments
    try:
        for package in sorted(Path(packages).glob("*.*")):
            if package.name != "packages.json":
                install(package, tree, int(when))
        if finish is not None:
            finish(tree, int(when))
    except ERRORS as error:
        print(f"hutch: the packages cannot be installed: {full.words(error)}", file=sys.stderr)
        return 1
    return 0


def copy_example(example: str, target: str, when: int) -> None:
    """Make a configuration of a package's example for it, with the example's owner and mode."""
    shutil.copy2(example, target)
    shutil.chown(target, os.stat(example).st_uid, os.stat(example).st_gid)
    os.utime(target, (when, when))
