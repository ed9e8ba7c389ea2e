"""Errors and findings for other programs: JSON, GitHub's annotations, SARIF.

Sources: GitHub, "Workflow commands for GitHub Actions" (escapes of properties and data); OASIS,
SARIF 2.1.0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frameworks.diagnostics import Diagnostic, Severity
from frontend import pages
from frontend._version import __version__
from llb.masked import masked

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """A diagnostic as it is shown: lines and columns count from 1, and an end is behind the last
    character. `page` is the address of what explains it, "" where nobody knows one."""

    code: str
    severity: Severity
    message: str
    hint: str
    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    page: str = ""

    @classmethod
    def of(cls, found: Diagnostic, docs: str = "") -> Shown:
        """A diagnostic; `docs` is the address of the site."""
        start, end = (1, 1), (1, 1)
        if found.at is not None:
            start = (found.at.start.line, found.at.start.character + 1)
            end = (found.at.end.line, found.at.end.character + 1)
        return cls(
            code=found.code,
            severity=found.severity,
            message=masked(found.message),
            hint=masked(found.hint),
            file=found.file.filename if found.file is not None else "",
            start=start,
            end=max(start, end),
            page=pages.of(found.code, docs),
        )

    @property
    def text(self) -> str:
        """Message and hint."""
        return self.message + (f" ({self.hint})" if self.hint else "")


def as_json(name: str, found: Sequence[Shown]) -> str:
    """A list of objects, one for each; `name` is the build file's."""
    listed = []
    for each in found:
        entry: dict[str, Any] = {
            "code": each.code,
            "severity": str(each.severity),
            "message": each.message,
            "hint": each.hint or None,
            "file": each.file or name,
            "start": {"line": each.start[0], "column": each.start[1]},
            "end": {"line": each.end[0], "column": each.end[1]},
            "page": each.page or None,
        }
        listed.append(entry)
    return json.dumps(listed, indent=2) + "\n"


def as_github(name: str, found: Sequence[Shown]) -> str:
    """Workflow commands, which become annotations at the lines of the file."""
    lines = []
    for each in found:
        properties = {
            "file": each.file or name,
            "line": each.start[0],
            "endLine": each.end[0],
            "col": each.start[1],
            "endColumn": each.end[1],
            "title": each.code,
        }
        listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
        text = each.text + (f"\n{each.page}" if each.page else "")
        lines.append(f"::{each.severity} {listed}::{_data(text)}\n")
    return "".join(lines)


def as_sarif(name: str, found: Sequence[Shown]) -> str:
    """A log with one run."""
    rules: dict[str, dict[str, Any]] = {}
    results = []
    for each in found:
        rule: dict[str, Any] = {"id": each.code}
        if each.page:
            rule["helpUri"] = each.page
        rules.setdefault(each.code, rule)
        region = {
            "startLine": each.start[0],
            "startColumn": each.start[1],
            "endLine": each.end[0],
            "endColumn": each.end[1],
        }
        place = {"artifactLocation": {"uri": each.file or name}, "region": region}
        results.append(
            {
                "ruleId": each.code,
                "ruleIndex": list(rules).index(each.code),
                "level": str(each.severity),
                "message": {"text": each.text},
                "locations": [{"physicalLocation": place}],
            }
        )
    driver = {"name": "hutch", "version": __version__, "rules": list(rules.values())}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
