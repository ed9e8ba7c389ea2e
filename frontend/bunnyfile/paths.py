"""Paths of a bunnyfile."""

from __future__ import annotations


def clean(path: str) -> str | None:
    """A path of the build context or of an image in its shortest form, None if it leaves it.

    `./a//b/` becomes `a/b`, `/` stays, and `.` is the whole context.
    """
    absolute = path.startswith("/")
    kept: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not kept:
                return None
            kept.pop()
            continue
        kept.append(part)
    joined = "/".join(kept)
    return f"/{joined}" if absolute else joined or "."
