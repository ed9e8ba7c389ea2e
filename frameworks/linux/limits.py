"""Raise two limits of a kernel source tree that containers run into under urunc.

Runs inside the source step with the toolchain's Python, as a single file.

    limits.py TREE

urunc passes a container's arguments to the guest's init on the kernel command line. Linux panics
at boot when there are more than 32 of them (INIT_ENV_ARG_LIMIT, which no configuration can set),
and cuts the command line at 2048 bytes (COMMAND_LINE_SIZE). A tree in which the lines are not as
expected is left as it is, with a note: the kernel still works within its own limits.
"""

from __future__ import annotations

import sys
from pathlib import Path

EDITS = (
    ("init/Kconfig", "\tdefault 32 if !UML\n\tdefault 128 if UML\n", "\tdefault 1024\n"),
    (
        "arch/x86/include/asm/setup.h",
        "#define COMMAND_LINE_SIZE 2048\n",
        "#define COMMAND_LINE_SIZE 16384\n",
    ),
    (
        "arch/arm64/include/uapi/asm/setup.h",
        "#define COMMAND_LINE_SIZE\t2048\n",
        "#define COMMAND_LINE_SIZE\t16384\n",
    ),
)
"""(file, exact old text, new text); the old text is the same in Linux 6.1 to 7.3."""


def raise_limits(tree: Path) -> list[str]:
    """Edit the files of `tree` in place; the names of those that did not have the old text."""
    missed = []
    for name, old, new in EDITS:
        path = tree / name
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(old) == 1:
            path.write_text(text.replace(old, new), encoding="utf-8")
        elif new not in text:
            missed.append(name)
    return missed


if __name__ == "__main__":
    for name in raise_limits(Path(sys.argv[1])):
        print(f"hutch: {name} is not as expected: its limit stays", file=sys.stderr)
