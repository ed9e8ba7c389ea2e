"""hutch's init in a guest's root: whether it is put there, and what of that all systems share."""

from __future__ import annotations

from frameworks.base import Build, Plan
from frameworks.init import config
from frameworks.process import Process
from frameworks.spec import Text
from llb import FileAction, copy, mkfile

PROGRAMS = "/usr/lib/hutch/init"
"""Where hutch's own image has the init programs, built: `<framework>-<architecture>`."""


def wanted(plan: Plan) -> Text | None:
    """The init that a plan asks for: "auto" for hutch's own, a path for another, None for none.

    A v0.1 file has none unless it names one.
    """
    said = plan.init
    if said == "none" or (said is None and plan.compat):
        return None
    return said or Text("auto")


def program(build: Build, path: str) -> FileAction:
    """Puts hutch's init for the guest at `path`."""
    plan = build.plan
    name = f"{PROGRAMS}/{plan.framework}-{plan.platform.architecture}"
    return copy(build.inputs.tools(), name, path, mode=0o755, timestamp=plan.timestamp)


def configuration(build: Build, process: Process, *, power_off: bool = False) -> FileAction:
    """Puts what the image wants to run where hutch's init finds it (`config.PATH`)."""
    text = config.render(process, power_off=power_off)
    return mkfile(config.PATH, text, timestamp=build.plan.timestamp)
