"""Around a kernel's build: the objects of earlier ones, and the check of its result."""

from __future__ import annotations

from collections.abc import Iterable

from frameworks.base import Build, File
from llb import CacheSharing, Mount, State


def fingerprint(made_by: Iterable[str]) -> str:
    """A short name for what objects are made by: sources, images, packages, arguments."""
    import hashlib  # few builds have a cache of this kind, and start-up counts

    return hashlib.sha256("\0".join(made_by).encode()).hexdigest()[:16]


def objects(build: Build, dest: str, *names: str) -> Mount:
    """A cache of object files at `dest`, which earlier builds may have filled.

    `names` keep apart what must not meet: make goes by time, and looks neither at the compiler nor
    at what it was called with (`fingerprint`). What may change behind a name, the step's script has
    to see by itself: `steps/stale.sh` does, for a tree and its objects. One build at a time has a
    cache; another waits rather than start from none.
    """
    plan = build.plan
    id = "/".join((plan.framework, plan.platform.architecture, *names))
    return build.cache(dest, id, CacheSharing.LOCKED)


def checked(build: Build, built: State, name: str) -> File:
    """The kernel `name` of the directory `built`, once it is seen that the monitor boots it."""
    plan = build.plan
    step = build.tool(
        "frameworks.steps.kernelfile",
        [str(plan.monitor), plan.platform.architecture, f"/out/{name}"],
        mounts=(Mount.bind("/out", built),),
        meta=build.meta("kernel", f"check that {plan.monitor} can boot it", plan.monitor),
    )
    return File(step.mount("/out"), f"/{name}")
