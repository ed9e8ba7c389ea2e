"""What is wrong with a bunnyfile, as far as can be told before anything is built: one check.

`docker buildx build --check` and `hutch check` both end here, so that what one of them passes the
other passes too; they differ in where they find the build context.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from frameworks.diagnostics import Diagnostic, Problems
from frontend import plan as plans
from frontend import targets
from frontend.inputs import wanted
from frontend.lint.filechecks import lint

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frontend.bunnyfile import Loaded
    from llb import Platform


@dataclass(frozen=True, slots=True)
class Request:
    """What the build is asked for beside the file.

    `args` are the arguments of the command line by name, `contexts` the names of named contexts,
    `target` is "" for the default; `context` gives the build context, of which no other paths are
    looked at than those that it is given, and is None where nobody has it. `worker` is the platform
    of the builder, None where nobody has asked it.
    """

    args: Mapping[str, str] = field(default_factory=dict)
    contexts: Collection[str] = ()
    target: str = ""
    epoch: int | None = None
    context: Callable[[Sequence[wanted.Wanted]], wanted.Context] | None = None
    worker: Platform | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The findings of lint, whether they are to fail the build, and what ends it in any case.

    `plan` is None where the file is too wrong to have one.
    """

    findings: tuple[Diagnostic, ...]
    fails: bool
    problems: Problems | None = None
    plan: Plan | None = None


def judge(loaded: Loaded, platform: Platform, request: Request) -> Verdict:
    """The verdict on one platform's build of a file."""
    options = request.args.get("BUILDKIT_DOCKERFILE_CHECK")
    planned: Plan | None = None
    problems: Problems | None = None
    noted: Collection[Diagnostic] = ()
    try:
        planned = plans.make(
            loaded.bunnyfile,
            loaded.file,
            platform,
            epoch=request.epoch,
            args=loaded.args,
            contexts=request.contexts,
            lock=loaded.lock,
            strict=request.args.get("HUTCH_LOCK") == "strict",
            worker=request.worker,
        )
        noted = planned.warnings
        target = targets.check(request.target, planned)
        files = list(wanted.of(planned, request.contexts, target))
        if files and request.context is not None:
            wanted.check(planned, files, request.context(files))
    except Problems as found:
        problems = found.placed(loaded.file)
    report = lint(loaded, options, request.contexts, noted, request.args)
    return Verdict(report.findings, report.fails, problems, planned)
