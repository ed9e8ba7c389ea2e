"""What a directory is, as a MirageOS application: read when its kernel could not be built.

As a command, run in a build step: `project DIRECTORY OUT` writes OUT, one word of `WORDS`.
"""

from __future__ import annotations

import os
import sys

WORDS = {
    "none": (
        "the application is no MirageOS project: it has neither a dune-project nor a config.ml",
        "'app.path' is the directory that has one",
    ),
    "unconfigured": (
        "the application has a config.ml, and is not configured: it has no dist/dune",
        "run 'mirage configure -t {target}' and 'make depends' in it, and bring what they write "
        "(dist/, duniverse/)",
    ),
    "unruled": (
        "the application has no dist/dune, whose rules say which file is the kernel",
        "write one that leaves dist/NAME.{target}, or leave that file there with 'app.build'",
    ),
}
"""A word -> what is wrong, and what to do; `{target}` is what the kernel is linked for."""


def look(directory: str) -> str:
    """A key of `WORDS` for what is missing in `directory`, "" where nothing is."""
    if os.path.exists(os.path.join(directory, "dist", "dune")):
        return ""
    if os.path.exists(os.path.join(directory, "config.ml")):
        return "unconfigured"
    return "unruled" if os.path.exists(os.path.join(directory, "dune-project")) else "none"


def main(arguments: list[str]) -> int:
    """The command."""
    directory, out = arguments
    with open(out, "w", encoding="ascii") as file:
        file.write(look(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
