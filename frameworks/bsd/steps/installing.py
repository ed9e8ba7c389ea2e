"""What the programs that install the BSDs' packages into a tree have in common."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from frameworks import exits
from frameworks.steps import full
from frameworks.steps.unpack import ERRORS

Install = Callable[[Path, str, int], None]
"""Puts a package's file into a tree, with a time of seconds since 1970 for what it makes."""
IsThere = Callable[[Path, str], bool]
"""Whether a tree has what a name that was asked for means, once all files are installed."""


def main(
    arguments: Sequence[str] | None,
    install: Install,
    is_there: IsThere,
    finish: Callable[[str, int], None] | None = None,
) -> int:
    """Install all files of `PACKAGES TREE TIME NAME...`, and see that all NAMEs are there then.

    Returns 0, or an exit status with one line on stderr: UNFIT_PACKAGES for a NAME that is not
    there. `finish` is called last with the tree and the time. All may raise `ERRORS`.
    """
    packages, tree, when, *asked = sys.argv[1:] if arguments is None else arguments
    try:
        for package in sorted(Path(packages).glob("*.*")):
            if package.name != "packages.json":
                install(package, tree, int(when))
        if lacking := [name for name in asked if not is_there(Path(tree), name)]:
            what = "these packages are asked for, and are not among what is installed"
            print(f"hutch: {what}: {' '.join(lacking)}", file=sys.stderr)
            return exits.UNFIT_PACKAGES
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
