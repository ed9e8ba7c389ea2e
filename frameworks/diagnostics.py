"""What is wrong with a user's input, as one kind of value from the parser to the terminal.

A `Diagnostic` has a code (a slug with a page under docs/errors/), a message, a hint and the place
in the file. The same value is printed by the command line, returned through the gateway as a typed
error (with `errdefs.Source`, so that buildx shows the line) and listed by `--check`. It lives in
this room because frameworks raise diagnostics and may not import `frontend`.

    problems = Collector(file)
    problems.error("unknown-key", "unknown key 'arch'", hint="...", at=range)
    problems.check()  # raises Problems with everything that was collected
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from llb import Position, Range, SourceFile
from llb.masked import masked

_NOWHERE = Range(Position(1), Position(1))


def printable(text: str) -> str:
    """A text that cannot move a terminal's cursor or pass for a line of ours: the characters of a
    user's value that could are written as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Severity(StrEnum):
    """How much a diagnostic weighs: an error ends the build, a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the user.

    `code` is a slug from `frameworks.codes.CODES`; `at` is the range in `file`, or None where a
    diagnostic is about no place in it (a build option, say).
    """

    code: str
    message: str
    hint: str = ""
    at: Range | None = None
    file: SourceFile | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        """The one-line form: `bunnyfile:3:4: message (hint) [code]`, lines and columns from 1."""
        hint = f" ({self.hint})" if self.hint else ""
        return printable(masked(f"{self.where}{self.message}{hint} [{self.code}]"))

    @property
    def where(self) -> str:
        """The place, as the start of a line: `bunnyfile:3:4: `; "" for none."""
        if self.file is None:
            return ""
        if self.at is None:
            return f"{self.file.filename}: "
        start = self.at.start
        return f"{self.file.filename}:{start.line}:{start.character + 1}: "

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """A sort key: by file, then position, then text."""
        at = self.at or _NOWHERE
        name = self.file.filename if self.file else ""
        return (name, at.start.line, at.start.character, self.code, self.message)


class Problems(Exception):
    """One or more errors of a phase, sorted by their position in the file."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics), key=lambda d: d.order))
        super().__init__("\n".join(map(str, self.diagnostics)))


def problem(
    code: str,
    message: str,
    *,
    hint: str = "",
    at: Range | None = None,
    file: SourceFile | None = None,
) -> Problems:
    """A single error, ready to raise: `raise problem("no-such-file", ..., at=path.at)`."""
    return Problems([Diagnostic(code, message, hint, at, file)])


class Collector:
    """Gathers the diagnostics of one phase, so that a user sees all of them at once."""

    def __init__(self, file: SourceFile | None = None) -> None:
        self._file = file
        self._found: list[Diagnostic] = []

    def error(self, code: str, message: str, *, hint: str = "", at: Range | None = None) -> None:
        """Note an error; `check` raises it."""
        self._found.append(Diagnostic(code, message, hint, at, self._file))

    def warn(self, code: str, message: str, *, hint: str = "", at: Range | None = None) -> None:
        """Note a warning; it ends nothing and is read with `warnings`."""
        found = Diagnostic(code, message, hint, at, self._file, Severity.WARNING)
        self._found.append(found)

    def take(self, problems: Problems) -> None:
        """Add errors that were raised elsewhere, giving them this file where they have none."""
        self._found += [
            found if found.file is not None else replace(found, file=self._file)
            for found in problems.diagnostics
        ]

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings so far, by position."""
        found = (d for d in self._found if d.severity is Severity.WARNING)
        return tuple(sorted(set(found), key=lambda d: d.order))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors so far, by position."""
        found = (d for d in self._found if d.severity is Severity.ERROR)
        return tuple(sorted(set(found), key=lambda d: d.order))

    def check(self) -> None:
        """Raise `Problems` if an error was collected."""
        if errors := self.errors:
            raise Problems(errors)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the known word nearest to `word`, or the few that there are, or nothing."""
    import difflib  # 3 ms that only a build with an error has to spend

    names = list(known)
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{lowered[near[0]]}'?"
    if 0 < len(names) <= 12:
        return "one of: " + ", ".join(names)
    return ""
