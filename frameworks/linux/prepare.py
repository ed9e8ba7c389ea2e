"""Make a kernel source tree ready: raise two limits, and say which source it is.

Runs in hutch's own image, as a step:

    prepare --tree DIRECTORY [--identity TEXT] [PATCH...]

urunc passes a container's arguments to the guest's init on the kernel command line. Linux panics
at boot when there are more than 32 of them (INIT_ENV_ARG_LIMIT, which no configuration can set),
and cuts the command line at 2048 bytes (COMMAND_LINE_SIZE). A tree in which the lines are not as
expected is left as it is, with a note: the kernel still works within its own limits.

`.hutch-source` in the tree then names it: where it is from and what its patches hold. Only with
`--identity`, the pinned name of what was fetched: without one nothing is known to be the same.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

IDENTITY = ".hutch-source"

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


def identify(identity: str, patches: list[Path]) -> str:
    """The text of `.hutch-source`: the source, its patches in order, and the edits above."""
    lines = [identity, *(hashlib.sha256(p.read_bytes()).hexdigest() for p in patches)]
    return "\n".join([*lines, hashlib.sha256(repr(EDITS).encode()).hexdigest()]) + "\n"


def main(arguments: list[str]) -> int:
    """The command; see the module."""
    options: dict[str, str] = {}
    patches: list[Path] = []
    rest = iter(arguments)
    for argument in rest:
        if argument.startswith("--"):
            options[argument[2:]] = next(rest)
        else:
            patches.append(Path(argument))
    tree = Path(options["tree"])
    for name in raise_limits(tree):
        print(f"hutch: {name} is not as expected: its limit stays", file=sys.stderr)
    if "identity" in options:
        (tree / IDENTITY).write_text(identify(options["identity"], patches), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
