"""Bytes to text: size, encoding and characters, each refused at its line."""

from __future__ import annotations

import re

from frameworks.diagnostics import problem
from llb import Position, Range, SourceFile

# The pure-Python scanner reads some 50-100 kB/s: at this size it takes seconds, and no file that a
# person wrote comes near it.
MAX_BYTES = 256 * 1024

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]|\r(?!\n)|(?<!^)\ufeff"
)


def point(line: int, character: int) -> Range:
    """An empty range: a place without an extent."""
    return Range(Position(line, character), Position(line, character))


def _end(before: str) -> Range:
    """The point behind the text `before`, which starts the file."""
    return point(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1))


def decode(file: SourceFile) -> str:
    """The file's text without a byte-order mark, or the reason why it is none."""
    data = file.data
    if len(data) > MAX_BYTES:
        raise problem(
            "file-too-large",
            f"the file has more than {MAX_BYTES} bytes, the most that a bunnyfile may have",
            hint="is this the right file? put scripts and data into files of the build context",
            at=point(1, 0),
            file=file,
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        at = point(1, 0)
        message = "the file is encoded as UTF-16"
        raise problem("not-utf8", message, hint="save it as UTF-8", at=at, file=file)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        message = f"byte 0x{data[error.start]:02x} is not UTF-8 text"
        hint = "save the file as UTF-8"
        raise problem("not-utf8", message, hint=hint, at=_end(before), file=file) from error
    if found := _CONTROL.search(text):
        hint = 'is this a binary file? in a quoted value, write it as an escape such as "\\u0001"'
        if found[0] == "\r":
            hint = "end lines with a newline"
        message = f"the character U+{ord(found[0]):04X} is not allowed in YAML"
        at = _end(text[: found.start()])
        raise problem("control-character", message, hint=hint, at=at, file=file)
    return text.removeprefix("\ufeff")
