"""`.dockerignore` files: the patterns of what stays out of the build context.

Only reading is done here; the client that sends the files does the matching. The rules are those of
moby/patternmatcher/ignorefile (docs/contract/buildkit.md 4.2).
"""

from __future__ import annotations

from frameworks.diagnostics import problem
from llb import Position, Range, SourceFile
from llb.paths import clean


def read(data: bytes, name: str = ".dockerignore") -> tuple[str, ...]:
    """The patterns of an ignore file, in order, cleaned; a leading `!` stays where it is.

    Raises Problems, at its line of the file `name`, where it is not text: what a pattern was meant
    to keep out would be sent.
    """
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        at = Position(data.count(b"\n", 0, error.start) + 1)
        raise problem(
            "not-utf8",
            f"byte 0x{data[error.start]:02x} of {name} is not UTF-8 text",
            hint="save the file as UTF-8",
            at=Range(at, at),
            file=SourceFile(name, data),
        ) from None
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
