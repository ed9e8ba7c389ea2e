"""Packages of a Linux guest's root filesystem, by the package manager that its base brings.

They are chosen and fetched by the base's own manager in a step with the network, and installed in
another without one. Where the guest has another processor than the builder, the first runs in the
same image for the builder's; the second is what a Dockerfile's RUN is: the packages' own scripts
run in the guest's root, for its processor, and the builder has to be able to run them.
"""

from __future__ import annotations

from dataclasses import replace

from frameworks.base import Build, File
from frameworks.scripts import run_script, script
from frameworks.spec import is_url
from llb import Mount, State, scratch

_ROOT = "/target"
_OUT = "/out"
_FILES = "/hutch/packages"
_BUILT = frozenset({"scratch", "local", "dockerfile"})


def fetch(build: Build, tree: State) -> State:
    """The files of the packages, and the list of them."""
    return _ask(build, tree, "fetch", "fetch packages")


def missing(build: Build, tree: State) -> File:
    """The names that no repository has, a line each; looked up anew each time."""
    return File(_ask(build, tree, "missing", "look for packages"), "/missing")


def install(build: Build, tree: State, packages: State) -> State:
    """`tree` with the packages of a directory."""
    names = build.plan.rootfs.packages
    return build.run(
        tree.with_platform(build.plan.platform),
        run_script("packages.sh", "install", _FILES, *names),
        mounts=(*_scripts(), Mount.bind(_FILES, packages, readonly=True)),
        meta=build.meta("rootfs", "install packages", *names),
    ).root


def _ask(build: Build, tree: State, verb: str, what: str) -> State:
    plan = build.plan
    guest, names = plan.architecture, plan.rootfs.packages
    mounts = [*_scripts(), Mount.bind(_OUT, scratch())]
    runner, root = _runner(build, tree)
    if root:
        mounts.append(Mount.bind(root, tree))
    command = run_script("packages.sh", verb, _OUT, root, guest.debian, *names)
    meta = build.meta("packages", what, *names)
    if verb == "missing":  # by now there may be what was not there before
        meta = replace(meta, ignore_cache=True)
    return build.run(runner, command, mounts=mounts, network=True, meta=meta).mount(_OUT)


def _runner(build: Build, tree: State) -> tuple[State, str]:
    """Where a step runs that asks the guest's package manager, and where it has the guest's tree.

    That is "" for the tree itself.
    """
    plan = build.plan
    from_ = plan.rootfs.from_
    own = tree.with_platform(plan.platform)
    if not build.is_cross:
        return own, ""
    if from_ in _BUILT or is_url(from_) or build.inputs.named(from_, plan.platform) is not None:
        return own, ""
    return build.fetch(from_, build.worker).state.with_platform(build.worker), _ROOT


def _scripts() -> tuple[Mount, ...]:
    own = ("packages.sh", "packages-apt.sh", "packages-apk.sh")
    return (*(script("frameworks.linux", name) for name in own), script("frameworks.kit", "apt.sh"))
