"""Findings: a `Diagnostic` each, a warning whose code is the name of its rule.

All phases make them, and the reporter of a build, `--check` and `hutch check` show them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from frameworks.diagnostics import Diagnostic, Severity
from frontend.lint.rules import RULES
from llb import Position, Range, SourceFile
from llb.masked import masked

START = Range(Position(1), Position(1))
"""Where a finding is shown that is about no place of the file."""


def finding(
    rule: str, message: str, hint: str, at: Range | None, file: SourceFile | None = None
) -> Diagnostic:
    """What the rule of that name found at one place."""
    return Diagnostic(rule, message, hint, at, file, Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Checks:
    """Which rules apply: `skip` names those that do not; `error` makes findings errors."""

    skip: frozenset[str] = frozenset()
    skip_all: bool = False
    error: bool = False

    def apply(self, rule: str) -> bool:
        """Whether the rule of that name is looked at."""
        return not self.skip_all and rule.lower() not in self.skip


@dataclass(frozen=True, slots=True)
class Report:
    """The findings by position.

    `fails` says that the file asked for findings to be errors, and there are some.
    """

    findings: tuple[Diagnostic, ...]
    fails: bool


def report(file: SourceFile, checks: Checks, found: Iterable[Diagnostic]) -> Report:
    """What is shown of the findings about a build file, as far as its `checks` have it."""
    shown = {
        finding(d.code, d.message, d.hint, d.at or START, file)
        for d in found
        if checks.apply(d.code)
    }
    return Report(tuple(sorted(shown, key=lambda found: found.order)), checks.error and bool(shown))


def text_of(found: Diagnostic, data: bytes) -> str:
    """A finding as `--check` prints it, with its page and its lines of the file `data`."""
    from frontend.bunnyfile.render import excerpt  # no build prints

    rule = RULES[found.code]
    lines = "\n".join(excerpt(data, found.at or START))
    return f"\nWARNING: {rule.name} - {rule.url}\n{detail_of(found)}\n{lines}\n"


def detail_of(found: Diagnostic) -> str:
    """A finding's message and hint."""
    return masked(found.message + (f" ({found.hint})" if found.hint else ""))
