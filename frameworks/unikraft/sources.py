"""What a plan's kernel is made of: the application in it, if there is one, and the core."""

from __future__ import annotations

from frameworks.base import Plan
from frameworks.diagnostics import did_you_mean, problem
from frameworks.spec import App, Source, Text


def library(plan: Plan) -> App | None:
    """The application that is linked into the kernel: one of which nothing goes into the root."""
    return plan.app if plan.app is not None and not plan.app.artifacts else None


def core(plan: Plan) -> tuple[str, Source]:
    """The version of the core and its pinned repository, of a plan that names no other.

    Raises Problems for a version that there is not.
    """
    from frameworks import kit  # a Dockerfile's build needs none of this

    default, known = kit.pins("frameworks.unikraft")
    version = plan.version or Text(default, plan.monitor.at)
    if version not in known:
        raise problem(
            "unknown-value",
            f"hutch knows no Unikraft {version}",
            hint=did_you_mean(version, known) or "name the source with `kernel.source`",
            at=version.at,
        )
    return str(version), known[version].git
