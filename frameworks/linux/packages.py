"""Packages of a Linux guest's root filesystem, by the package manager that its base brings.

They are chosen and fetched by the base's own manager in a step with the network, and installed in
another without one. Where the guest has another processor than the builder, the first runs in the
same image for the builder's; the second is what a Dockerfile's RUN is: the packages' own scripts
run in the guest's root, for its processor, and the builder has to be able to run them.
"""

from __future__ import annotations

from dataclasses import replace

from frameworks.base import Build, File
from frameworks.kit import packages
from frameworks.spec import is_url
from llb import State

_BUILT = frozenset({"scratch", "local", "dockerfile"})


def fetch(build: Build, tree: State) -> State:
    """The files of the packages, and the list of them."""
    return _ask(build, tree, packages.FETCH, "fetch packages")


def missing(build: Build, tree: State) -> File:
    """The names that no repository has, a line each; looked up anew each time."""
    return File(_ask(build, tree, packages.MISSING, "look for packages"), "/missing")


def install(build: Build, tree: State, files: State) -> State:
    """`tree` with the packages of a directory."""
    names = build.plan.rootfs.packages
    meta = build.meta("rootfs", "install packages", *names)
    system = tree.with_platform(build.plan.platform)
    return packages.install(build, system, files, names, meta)


def _ask(build: Build, tree: State, verb: str, what: str) -> State:
    names = build.plan.rootfs.packages
    meta = build.meta(packages.STEP, what, *names)
    if verb == packages.MISSING:  # by now there may be what was not there before
        meta = replace(meta, ignore_cache=True)
    system, guest = _system(build, tree)
    of = build.plan.platform.architecture
    return packages.ask(build, system, verb, names, meta, of=of, guest=guest)


def _system(build: Build, tree: State) -> tuple[State, State | None]:
    """Where a step runs that asks the guest's package manager, and the guest's tree beside it.

    That is None for the tree itself.
    """
    plan = build.plan
    from_ = plan.rootfs.from_
    own = tree.with_platform(plan.platform)
    if not build.is_cross:
        return own, None
    if from_ in _BUILT or is_url(from_) or build.inputs.named(from_, plan.platform) is not None:
        return own, None
    return build.fetch(from_, build.worker).state.with_platform(build.worker), tree
