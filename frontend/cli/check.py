"""`hutch check FILE`: what `docker buildx build --check` says, without a builder."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from frontend.cli import buildfile
from frontend.cli.options import parser as make

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.lint.verdict import Verdict
    from llb import SourceFile


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "check",
        """
        The same errors and rules at the same lines as `docker buildx build --check`, without a
        builder or a network.
        """,
        examples=("hutch check", "hutch check -f bunnyfile --platform arm64 ."),
        statuses={0: "nothing is wrong", 1: "an error, or a finding where the file fails on them"},
    )
    buildfile.add_build(made)
    made.add_argument("--target", default="", help="check for this target of the build")
    return made


def run(options: argparse.Namespace) -> int:
    """Print the findings."""
    from frontend.lint.verdict import judge

    file = buildfile.read(options)
    if file.is_dockerfile:
        return _dockerfile(options, file)
    loaded, platform = buildfile.load(options, file)
    verdict = judge(loaded, platform, buildfile.asked(options, file))
    _say(verdict, loaded.file)
    plan = verdict.plan
    assert plan is not None
    print(f"{file.name}: {_kind(plan)}: {_count(verdict)}")
    return int(verdict.fails)


def _dockerfile(options: argparse.Namespace, file: buildfile.BuildFile) -> int:
    verdict, source = buildfile.judge_dockerfile(options, file, options.target)
    _say(verdict, source)
    if verdict.plan is None:
        said = "a Dockerfile, whose labels only a build can judge"
    else:
        said = f"a Dockerfile for {_kind(verdict.plan)}: {_count(verdict)} in its labels"
    print(f"{file.name}: {said}")
    print("Its other instructions are checked by: docker buildx build --check")
    return int(verdict.fails)


def _say(verdict: Verdict, file: SourceFile) -> None:
    """Print the findings. Raises Problems after them, with what is wrong."""
    from frontend.lint.findings import text_of

    for found in verdict.findings:
        print(text_of(found, file.data))
    if verdict.problems is not None:
        raise verdict.problems


def _kind(plan: Plan) -> str:
    return f"{plan.framework} on {plan.monitor} for {plan.platform}"


def _count(verdict: Verdict) -> str:
    count = len(verdict.findings)
    return "no errors" if not count else f"{count} warning{'s' if count > 1 else ''}"
