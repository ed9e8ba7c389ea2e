"""The command that looks what a directory is, as a MirageOS application: `project DIRECTORY OUT`.

It runs in hutch's own image, as a step that is read when the kernel could not be built. OUT is
one word of `frameworks.mirage.project.WORDS`, or empty.
"""

from __future__ import annotations

import os
import sys


def look(directory: str) -> str:
    """The word for what `directory` is missing, "" where nothing is."""
    if os.path.exists(os.path.join(directory, "dist", "dune")):
        return ""
    return "unruled" if os.path.exists(os.path.join(directory, "dune-project")) else "none"


def main(arguments: list[str]) -> int:
    """The command."""
    directory, out = arguments
    with open(out, "w", encoding="ascii") as file:
        file.write(look(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
