"""Lint: what works, but probably not as it was meant, or not for long.

    report = lint(loaded)

The rules are rows of a table (`frontend.bunnyfile.lintrules.RULES`), each with a page
`docs/rules/<Name>.md`. A file switches them off, or makes findings fail the build, in the comments
at its top, as a Dockerfile does:

    # check=skip=UnpinnedImage,UnusedArgument;error=true
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from frameworks.diagnostics import Diagnostic, Severity
from frontend.bunnyfile import Loaded
from frontend.bunnyfile.lintrules import RULES, Finding, Rule, Subject
from llb import Position, Range

_DIRECTIVE = re.compile(r"#\s*check\s*=\s*(?P<options>.*?)\s*", re.IGNORECASE)
_INVALID = "InvalidCheckDirective"
_START = Range(Position(1), Position(1))


@dataclass(frozen=True, slots=True)
class Checks:
    """Which rules apply: `skip` names those that do not; `error` makes findings errors."""

    skip: frozenset[str] = frozenset()
    skip_all: bool = False
    error: bool = False

    def apply(self, rule: Rule) -> bool:
        """Whether a rule is looked at."""
        return not self.skip_all and rule.name.lower() not in self.skip


@dataclass(frozen=True, slots=True)
class Report:
    """The findings by position; the code of each is its rule's name, a key of `RULES`.

    `fails` says that the file asked for findings to be errors, and there are some.
    """

    findings: tuple[Diagnostic, ...]
    fails: bool


def lint(
    loaded: Loaded,
    options: str = "",
    contexts: Collection[str] = (),
    noted: Collection[Diagnostic] = (),
) -> Report:
    """Look at a file with every rule that applies.

    `options` is what a `# check=` line would say, from the build's `BUILDKIT_DOCKERFILE_CHECK`
    argument; it adds to the file's own. `contexts` are the names of the build's contexts, which
    are not images. `noted` are a plan's warnings, each under the name of its rule.
    """
    checks, findings = _read_checks(loaded, options)
    subject = Subject(loaded.bunnyfile, loaded.tree, loaded.warnings, frozenset(contexts))
    for rule in RULES.values():
        if checks.apply(rule):
            findings += [(rule, found) for found in rule.check(subject)]
    for found in noted:
        if checks.apply(rule := RULES[found.code]):
            findings.append((rule, Finding(found.message, found.hint, found.at or _START)))
    shown = {
        Diagnostic(rule.name, found.message, found.hint, found.at, loaded.file, Severity.WARNING)
        for rule, found in findings
    }
    ordered = tuple(sorted(shown, key=lambda found: found.order))
    return Report(ordered, checks.error and bool(ordered))


def parse_options(options: str) -> tuple[Checks, list[str]]:
    """The text behind `check=`, and what is wrong with it, as sentences."""
    skip: set[str] = set()
    error = skip_all = False
    faults: list[str] = []
    known = {name.lower() for name in RULES}
    for part in filter(None, (part.strip() for part in options.split(";"))):
        key, equals, value = part.partition("=")
        match key.strip().lower():
            case "skip" if equals:
                names = [name.strip().lower() for name in value.split(",")]
                skip_all = skip_all or "all" in names
                skip.update(names)
                faults += [f"there is no rule '{n}'" for n in names if n not in {*known, "all"}]
            case "error" if value.strip().lower() in ("true", "false"):
                error = value.strip().lower() == "true"
            case _:
                faults.append(f"'{part}' is neither 'skip=Rule,...' nor 'error=true'")
    return Checks(frozenset(skip), skip_all, error), faults


def _read_checks(loaded: Loaded, options: str) -> tuple[Checks, list[tuple[Rule, Finding]]]:
    """The checks of the comments at the top of the file, and of the build."""
    total, _ = parse_options(options)
    findings: list[tuple[Rule, Finding]] = []
    text = loaded.file.data.decode("utf-8").removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("#"):
            break
        directive = _DIRECTIVE.fullmatch(line.rstrip())
        if directive is None:
            continue
        checks, faults = parse_options(directive["options"])
        at = Range(Position(number), Position(number, len(line.rstrip())))
        hint = "write '# check=skip=Rule,OtherRule;error=true'"
        findings += [(RULES[_INVALID], Finding(fault, hint, at)) for fault in faults]
        total = Checks(
            total.skip | checks.skip, total.skip_all or checks.skip_all, total.error or checks.error
        )
    return total, findings if total.apply(RULES[_INVALID]) else []
