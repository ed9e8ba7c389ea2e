"""What a build file, or the build, asks of lint: which rules apply, and whether findings fail it.

A file says it in the comments at its top, as a Dockerfile does:

    # check=skip=UnpinnedImage,UnusedArgument;error=true

The build argument BUILDKIT_DOCKERFILE_CHECK says the same in the place of that line, which is not
read then (BuildKit: frontend/dockerfile/dockerfile2llb/convert.go, newRuleLinter).
"""

from __future__ import annotations

import re

from frameworks.diagnostics import Diagnostic, did_you_mean
from frontend.lint.findings import START, Checks, finding
from frontend.lint.rules import RULES
from llb import Position, Range, SourceFile

_DIRECTIVE = re.compile(r"#\s*check\s*=\s*(?P<options>.*?)\s*", re.IGNORECASE)
_INVALID = "InvalidCheckDirective"
_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK"
_BOOLEANS = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}


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


def read(file: SourceFile, options: str | None) -> tuple[Checks, tuple[Diagnostic, ...]]:
    """The checks of the build, or else of the comments at the file's top; and faults in them.

    `options` is the build's `BUILDKIT_DOCKERFILE_CHECK` argument, None without one.
    """
    if options is not None:
        checks, faults = parse_options(options)
        return checks, tuple(
            finding(_INVALID, f"{_ARGUMENT}: {text}", hint, START) for text, hint in faults
        )
    found: Checks | None = None
    findings: list[Diagnostic] = []
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
            findings += [finding(_INVALID, text, hint, at) for text, hint in faults]
        else:
            message = "a second '# check=' is not read"
            findings.append(finding(_INVALID, message, "write one line", at))
    return found or Checks(), tuple(findings)
