"""`.dockerignore` files: the patterns of what stays out of the build context.

Only reading is done here; the client that sends the files does the matching. The rules are those of
moby/patternmatcher/ignorefile (buildkit-gateway.md 4.2).
"""

from __future__ import annotations

from llb.paths import clean


def read(data: bytes) -> tuple[str, ...]:
    """The patterns of an ignore file, in order, cleaned; a leading `!` stays where it is."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    patterns: list[str] = []
    for line in text.split("\n"):
        if line.startswith("#") or not (pattern := line.strip()):
            continue
        invert = "!" if pattern.startswith("!") else ""
        pattern = pattern.removeprefix("!").strip() if invert else pattern
        if pattern:
            pattern = clean(pattern)
            if len(pattern) > 1:
                pattern = pattern.removeprefix("/")
        patterns.append(invert + pattern)
    return tuple(patterns)
