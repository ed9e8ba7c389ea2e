"""What an application lacks to be a Unikraft library, in words.

The step `frameworks.unikraft.steps.kconfig` looks, before the kernel is built.
"""

from __future__ import annotations

from pathlib import Path

WORDS = {
    "none": (
        "the application is no Unikraft library: it has no Makefile.uk",
        "'app.path' is the directory that has one; an ordinary Linux program goes into the root "
        "filesystem, with 'app.artifacts'",
    ),
}
"""A word -> what is wrong, and what to do."""


def look(directory: Path) -> str:
    """The word for what `directory` is missing, "" where nothing is."""
    return "" if (directory / "Makefile.uk").is_file() else "none"
