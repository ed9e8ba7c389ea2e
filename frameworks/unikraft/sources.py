"""What a plan's kernel is made of: the application in it, if there is one, and the core."""

from __future__ import annotations

from frameworks.base import Plan
from frameworks.spec import App, Source


def library(plan: Plan) -> App | None:
    """The application that is linked into the kernel: one of which nothing goes into the root."""
    return plan.app if plan.app is not None and not plan.app.artifacts else None


def core(plan: Plan) -> tuple[str, Source]:
    """The version of the core and its pinned repository, of a plan that names no other.

    Raises Problems for a version that there is not.
    """
    from frameworks import kit  # a Dockerfile's build needs none of this

    return kit.versioned(plan, "frameworks.unikraft", "Unikraft")
