"""Paths that end up in the runtime's annotations, and so must be what the runtime takes."""

from __future__ import annotations

import re

# urunc from 0.8 on refuses anything else (docs/contract/urunc.md 1.3); older ones break on some
# of it later.
_ALLOWED = re.compile(r"[A-Za-z0-9._/-]+")
_MAX = 4096


def image_path_fault(path: str, *, root: bool = False) -> str:
    """What is wrong with a path inside the image, as the end of a sentence; "" for nothing.

    `root` allows `/` itself, which only a mount point may be. Sources: docs/contract/urunc.md 1.3.
    """
    if not path:
        return "is empty"
    if len(path) > _MAX:
        return f"is longer than {_MAX} characters"
    if not _ALLOWED.fullmatch(path):
        bad = next(c for c in path if not _ALLOWED.fullmatch(c))
        shown = "a space" if bad == " " else repr(bad) if bad.isprintable() else f"U+{ord(bad):04X}"
        return f"has {shown} in it, which the runtime does not take"
    if path == "/":
        return "" if root else "is the root directory, not a file"
    parts = path.removeprefix("/").split("/")
    if ".." in parts:
        return "leaves its directory with '..'"
    if "." in parts or "" in parts:
        return "is not in its shortest form"
    if path.startswith("-"):
        return "starts with '-', like an option"
    return ""


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
