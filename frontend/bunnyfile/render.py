"""A diagnostic for a terminal: what is wrong, the lines of the file, and what to do.

    bunnyfile:4:3: error: unknown key 'arch' in 'platforms' [unknown-key]
       3 |       framework: linux
       4 | >>>   arch: x86
         |       ^^^^
       5 |     kernel:
      hint: did you mean 'architecture'?

The `>>>` is buildx's, which shows the same lines for the same diagnostic.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from frameworks.diagnostics import Diagnostic
from frontend import pages
from llb import Range
from llb.masked import masked, printable

_CONTEXT = 1
_MOST_LINES = 6
_WIDTH = 160


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """All of them, with an empty line between two; ends in a newline unless there are none."""
    return "\n".join(render_one(found) for found in diagnostics)


def render_one(found: Diagnostic) -> str:
    """One diagnostic on several lines; the excerpt is left out where it has no place in a file."""
    lines = [printable(masked(f"{found.where}{found.severity}: {found.message} [{found.code}]"))]
    if found.file is not None and found.at is not None:
        lines += excerpt(found.file.data, found.at)
    if found.hint:
        lines.append(printable(masked(f"  hint: {found.hint}")))
    if page := pages.of(found.code):
        lines.append(f"  page: {page}")
    return "\n".join(lines) + "\n"


def excerpt(data: bytes, at: Range) -> list[str]:
    """The lines of a range, marked, with one line around them; a caret if it is on one line."""
    text = masked(data.decode("utf-8", "replace")).removeprefix("\ufeff")
    source = [line.removesuffix("\r") for line in text.split("\n")]
    first, last = at.start.line, at.end.line
    if first > len(source):
        return []
    shown = range(max(1, first - _CONTEXT), min(len(source), last + _CONTEXT) + 1)
    lines: list[str] = []
    for number in shown:
        line = source[number - 1]
        inside = first <= number <= last
        if inside and number - first >= _MOST_LINES:
            if number == last:
                lines.append("     | >>> ...")
            continue
        if not inside and not line.strip():
            continue
        mark = ">>> " if inside else "    "
        lines.append(f"{number:4} | {mark}{_printable(line[:_WIDTH])}".rstrip())
        if first == last == number and at.start.character < _WIDTH:
            lines.append(f"     |     {_caret(line, at)}")
    return lines


def _caret(line: str, at: Range) -> str:
    start = at.start.character
    end = min(max(at.end.character, start + 1), _WIDTH)
    under = _columns(line[start:end]) if end <= len(line) else end - start
    return " " * _columns(line[:start]) + "^" * max(1, under)


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for wide characters, none for marks."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _printable(line: str) -> str:
    """The line without what moves a terminal's cursor: tabs and control characters."""
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else " " if c == "\t" else "\ufffd" for c in line)
