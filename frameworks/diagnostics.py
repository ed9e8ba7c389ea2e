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
from llb.masked import masked, printable

_NOWHERE = Range(Position(1), Position(1))


class Severity(StrEnum):
    """How much a diagnostic weighs: an error ends the build, a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell the user.

    `code` is a slug from `frameworks.codes.CODES`; `at` is the range in `file`, or None where a
    diagnostic is about no place in it (a build option, say). `without` are the sections of the file
    of which it says that they are not there, or lack something: it is no news where one of them
    could not be read.
    """

    code: str
    message: str
    hint: str = ""
    at: Range | None = None
    file: SourceFile | None = None
    severity: Severity = Severity.ERROR
    without: tuple[str, ...] = ()

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
    """One or more errors of a phase, sorted by their position in the file.

    `with_lines` says that the message has to carry the lines of the file itself, because whoever
    shows it gets them in no other way.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], *, with_lines: bool = False) -> None:
        self.with_lines = with_lines
        self.diagnostics = tuple(sorted(set(diagnostics), key=lambda d: d.order))
        super().__init__("\n".join(map(str, self.diagnostics)))

    def placed(self, file: SourceFile) -> Problems:
        """The same, those that are in no file put into `file`."""
        return Problems(
            d if d.file is not None else replace(d, file=file) for d in self.diagnostics
        )


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

    @property
    def file(self) -> SourceFile | None:
        """The file that is judged."""
        return self._file

    def error(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        at: Range | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        """Note an error; `check` raises it."""
        found = Diagnostic(code, message, hint, at, self._file, without=without)
        self._found.append(found)

    def warn(self, code: str, message: str, *, hint: str = "", at: Range | None = None) -> None:
        """Note a warning; it ends nothing and is read with `warnings`."""
        found = Diagnostic(code, message, hint, at, self._file, Severity.WARNING)
        self._found.append(found)

    def take(self, problems: Problems, *, without: tuple[str, ...] = ()) -> None:
        """Add errors that were raised elsewhere, giving them this file where they have none.

        `without` are sections as for a `Diagnostic`, beside those that each has.
        """
        self._found += [
            replace(
                found,
                file=self._file if found.file is None else found.file,
                without=(*found.without, *without),
            )
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


def did_you_mean(word: str, known: Iterable[str], more: str = "") -> str:
    """A hint naming the known word nearest to `word`, or the few that there are, or nothing.

    `more` is a sentence that follows.
    """
    names = list(known)
    typed = word.lower()
    slips = {name: count for name in names if (count := _slips(typed, name.lower())) is not None}
    if slips:
        return f"did you mean '{min(slips, key=lambda name: slips[name])}'? {more}".rstrip()
    if 0 < len(names) <= 12:
        listed = "one of: " + ", ".join(names)
        return f"{listed}. {more}" if more else listed
    return more


_SHORT = 5


def _slips(typed: str, meant: str) -> int | None:
    """How many slips of the hand turn `meant` into `typed`; None where it is another word.

    A slip is a letter too many, too few, wrong, or swapped with its neighbour. Short words have
    many neighbours that mean something else, so there the first letter has to be right too: xfs
    is not ffs.
    """
    most = min(len(typed), len(meant)) // 3
    if not most or abs(len(typed) - len(meant)) > most:
        return None
    if len(meant) <= _SHORT and typed[0] != meant[0] and sorted(typed) != sorted(meant):
        return None
    before: list[int] = []
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, 1):
        above, row = row, [i]
        for j, other in enumerate(meant, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == meant[j - 2] and typed[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1] if row[-1] <= most else None
