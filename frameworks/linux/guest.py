"""What a Linux guest finds in its root filesystem besides the user's files: the init program."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import llb
from frameworks.base import Build
from frameworks.init.config import PATH, render
from frameworks.process import Process
from llb import State

INIT = "/urunit"
"""The name by which urunc knows an init that reads its configuration (urunc.md 3)."""

_MOUNT_POINTS = ("/dev", "/proc", "/run", "/sys", "/tmp")


def add_init(build: Build, tree: State, process: Process) -> tuple[State, Process]:
    """`tree` with hutch's init in it, unless the file says `init: none` or names another.

    The image's process then begins with the init, whose arguments are the application's. What the
    image wants to run is also left in a file, for a boot without urunc.
    """
    said = build.plan.init
    if said == "none" or (said is None and build.plan.compat):
        return tree, process
    if said is not None and said != "auto":
        return tree, replace(process, entrypoint=(str(said), *process.entrypoint))
    architecture = build.plan.platform.architecture
    epoch = build.plan.timestamp
    meta = build.meta("rootfs", "add the init program", said or build.plan.rootfs.at)
    # On its own first: a file made in a directory sets that directory's time by the builder's
    # clock, but a copy of the directory gets the time that it is given.
    # Cloud Hypervisor takes a guest's reboot for one, and urunc does not stop it.
    text = render(process, power_off=build.plan.monitor == "cloud-hypervisor")
    settings = llb.scratch().file(
        llb.mkdir(posixpath.dirname(PATH), parents=True, timestamp=epoch),
        llb.mkfile(PATH, text, timestamp=epoch),
        meta=meta,
    )
    tree = tree.file(
        llb.copy(
            build.inputs.tools(),
            f"/usr/lib/hutch/init/linux-{architecture}",
            INIT,
            mode=0o755,
            timestamp=epoch,
        ),
        *(llb.mkdir(path, parents=True, timestamp=epoch) for path in _MOUNT_POINTS),
        llb.copy(settings, "/", "/", contents_only=True, timestamp=epoch),
        meta=meta,
    )
    return tree, replace(process, entrypoint=(INIT, *process.entrypoint))
