"""`hutch check FILE`: what `docker buildx build --check` says, without a builder."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frontend import pages
from frontend.cli import buildfile
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.diagnostics import Diagnostic
    from frontend.lint.verdict import Verdict


FORMATS = ("text", "json", "github", "sarif")


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "check",
        """
        The same errors and rules at the same lines as `docker buildx build --check`, without a
        builder or a network.
        """,
        examples=(
            "hutch check",
            "hutch check -f bunnyfile --platform arm64 .",
            "hutch check --format github bunnyfile",
            "hutch check --format sarif bunnyfile > hutch.sarif",
        ),
        statuses={0: "nothing is wrong", 1: "an error, or a finding where the file fails on them"},
    )
    buildfile.add_build(made)
    made.add_argument("--target", default="", help="check for this target of the build")
    made.add_argument(
        "--format", choices=FORMATS, default="text", help="how findings are printed (text)"
    )
    made.add_argument(
        "--docs",
        metavar="URL",
        default=pages.site(),
        help=f"where the site is, for links to each finding's page (default: {pages.VARIABLE})",
    )
    return made


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check came to: errors and findings, and what is said at the end of them.

    `fails` says that the findings are to fail the check, too.
    """

    file: str
    data: bytes
    errors: tuple[Diagnostic, ...]
    findings: tuple[Diagnostic, ...]
    fails: bool
    summary: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        """The exit status."""
        return int(bool(self.errors) or self.fails)


def run(options: argparse.Namespace) -> int:
    """Print what is wrong."""
    file = buildfile.read(options)
    checked = _checked(options, file)
    if options.format == "text":
        _say(checked)
        return checked.status
    from frontend.cli import findings

    found = [findings.Shown.of(each, options.docs) for each in (*checked.errors, *checked.findings)]
    write = {"json": findings.as_json, "github": findings.as_github, "sarif": findings.as_sarif}
    print(write[options.format](file.name, found), end="")
    return checked.status


def _checked(options: argparse.Namespace, file: buildfile.BuildFile) -> Checked:
    from frameworks.diagnostics import Problems
    from frontend.lint.verdict import judge

    try:
        if file.is_dockerfile:
            verdict, _ = buildfile.judge_dockerfile(options, file, options.target)
            summary: tuple[str, ...] = _of_dockerfile(file.name, verdict)
        else:
            loaded, platform = buildfile.load(options, file)
            verdict = judge(loaded, platform, buildfile.request(options, file))
            kind = "" if verdict.plan is None else f"{_kind(verdict.plan)}: "
            summary = (f"{file.name}: {kind}{_count(verdict)}",)
    except Problems as problems:
        return Checked(file.name, file.data, problems.diagnostics, (), False)
    errors = () if verdict.problems is None else verdict.problems.diagnostics
    return Checked(file.name, file.data, errors, verdict.findings, verdict.fails, summary)


def _of_dockerfile(name: str, verdict: Verdict) -> tuple[str, str]:
    if verdict.plan is None:
        said = "a Dockerfile, whose labels only a build can judge"
    else:
        said = f"a Dockerfile for {_kind(verdict.plan)}: {_count(verdict)} in its labels"
    return f"{name}: {said}", "Its other instructions are checked by: docker buildx build --check"


def _say(checked: Checked) -> None:
    """Print the findings, and then the errors on standard error, or that there are none."""
    from frontend.bunnyfile.render import render
    from frontend.lint.findings import text_of

    for found in checked.findings:
        print(text_of(found, checked.data))
    if checked.errors:
        print(render(checked.errors), file=sys.stderr)
        return
    print("\n".join(checked.summary))


def _kind(plan: Plan) -> str:
    return f"{plan.framework} on {plan.monitor} for {plan.platform}"


def _count(verdict: Verdict) -> str:
    count = len(verdict.findings)
    return "no errors" if not count else f"{count} warning{'s' if count > 1 else ''}"
