"""Lint: what works, but probably not as it was meant, or not for long.

    report = lint(loaded)

The rules are rows of a table (`frontend.lint.rules.RULES`), each with a page
`docs/rules/<Name>.md`. A file switches them off, or makes findings fail the build, in the comments
at its top, as a Dockerfile does:

    # check=skip=UnpinnedImage,UnusedArgument;error=true

The build argument BUILDKIT_DOCKERFILE_CHECK says the same in the place of that line, which is not
read then (BuildKit: frontend/dockerfile/dockerfile2llb/convert.go, newRuleLinter).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from frameworks.diagnostics import Diagnostic, Severity, did_you_mean
from frontend.bunnyfile import Loaded
from frontend.lint.rules import RULES, Finding, Subject
from llb import Position, Range, SourceFile
from llb.masked import masked

_DIRECTIVE = re.compile(r"#\s*check\s*=\s*(?P<options>.*?)\s*", re.IGNORECASE)
_INVALID = "InvalidCheckDirective"
_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
_START = Range(Position(1), Position(1))


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
    """The findings by position; the code of each is its rule's name, a key of `RULES`.

    `fails` says that the file asked for findings to be errors, and there are some.
    """

    findings: tuple[Diagnostic, ...]
    fails: bool


def lint(
    loaded: Loaded,
    options: str | None = None,
    contexts: Collection[str] = (),
    noted: Collection[Diagnostic] = (),
    given: Collection[str] = (),
) -> Report:
    """Look at a file with every rule that applies.

    `options` is the build's `BUILDKIT_DOCKERFILE_CHECK` argument, None without one. `contexts` are
    the names of the build's contexts, which are not images. `noted` are a plan's warnings, each
    under the name of its rule; `given` the names of the build's arguments.
    """
    said, faults = _read(loaded.file, options)
    names = frozenset(name.partition("::")[0] for name in contexts)  # NAME::PLATFORM
    subject = Subject(loaded.bunnyfile, loaded.tree, loaded.warnings, names, frozenset(given))
    found = [(_INVALID, fault) for fault in faults]
    for rule in RULES.values():
        if said.apply(rule.name):
            found += [(rule.name, each) for each in rule.check(subject)]
    mine = [Diagnostic(name, each.message, each.hint, each.at) for name, each in found]
    return _report(loaded.file, said, [*mine, *noted])


def judge(file: SourceFile, options: str | None, noted: Iterable[Diagnostic]) -> Report:
    """What a build found, each under the name of its rule, as far as the build file wants it.

    `options` is as for `lint`.
    """
    return _report(file, checks(file, options), noted)


def checks(file: SourceFile, options: str | None) -> Checks:
    """The checks that a build file asks for, or the build: `options` is as for `lint`."""
    return _read(file, options)[0]


def parse_options(options: str) -> tuple[Checks, list[tuple[str, str]]]:
    """The text behind `check=`, and what is wrong with it, as pairs of message and hint.

    `experimental=` is for rules that have to be asked for: Dockerfiles have some, we have none.
    """
    skip: set[str] = set()
    error = False
    faults: list[tuple[str, str]] = []
    known = {name.lower() for name in RULES} | {"all"}
    for part in filter(None, (part.strip() for part in options.split(";"))):
        key, equals, value = (text.strip() for text in part.partition("="))
        match key.lower():
            case "skip" if equals:
                names = [name.strip() for name in value.split(",")]
                skip.update(name.lower() for name in names)
                faults += [
                    (f"there is no rule '{name}'", did_you_mean(name, RULES))
                    for name in names
                    if name.lower() not in known
                ]
            case "error" if value.lower() in _BOOLEANS:
                error = _BOOLEANS[value.lower()]
            case "experimental" if equals:
                pass
            case _:
                hint = "write 'skip=Rule,OtherRule;error=true'"
                faults.append((f"'{part}' is neither 'skip=Rule,...' nor 'error=true'", hint))
    return Checks(frozenset(skip), "all" in skip, error), faults


def text_of(found: Diagnostic, data: bytes) -> str:
    """A finding as `--check` prints it, with its page and its lines of the file `data`."""
    from frontend.bunnyfile.render import excerpt  # no build prints

    rule = RULES[found.code]
    lines = "\n".join(excerpt(data, found.at or _START))
    return f"\nWARNING: {rule.name} - {rule.url}\n{detail_of(found)}\n{lines}\n"


def detail_of(found: Diagnostic) -> str:
    """A finding's message and hint."""
    return masked(found.message + (f" ({found.hint})" if found.hint else ""))


def _report(file: SourceFile, said: Checks, found: Iterable[Diagnostic]) -> Report:
    shown = {
        Diagnostic(d.code, d.message, d.hint, d.at or _START, file, Severity.WARNING)
        for d in found
        if said.apply(d.code)
    }
    return Report(tuple(sorted(shown, key=lambda found: found.order)), said.error and bool(shown))


def _read(file: SourceFile, options: str | None) -> tuple[Checks, list[Finding]]:
    """The checks of the build, or else of the comments at the file's top; and faults in them."""
    if options is not None:
        said, faults = parse_options(options)
        return said, [Finding(f"{_ARGUMENT}: {text}", hint, _START) for text, hint in faults]
    found: Checks | None = None
    findings: list[Finding] = []
    text = file.data.decode("utf-8", "replace").removeprefix("\ufeff")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith("#"):
            break
        directive = _DIRECTIVE.fullmatch(line.rstrip())
        if directive is None:
            continue
        at = Range(Position(number), Position(number, len(line.rstrip())))
        if found is None:
            found, faults = parse_options(directive["options"])
            findings += [Finding(text, hint, at) for text, hint in faults]
        else:
            findings.append(Finding("a second '# check=' is not read", "write one line", at))
    return found or Checks(), findings
