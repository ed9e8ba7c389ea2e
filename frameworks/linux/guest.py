"""What a Linux guest finds in its root filesystem besides the user's files: the init program."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

import llb
from frameworks.base import Build
from frameworks.init.config import PATH, render
from frameworks.process import Process
from frameworks.rebuilt import without_init
from frameworks.runtime import RUNTIME, monitors
from llb import FileAction

_MOUNT_POINTS = ("/dev", "/proc", "/run", "/sys", "/tmp")


def init(build: Build, process: Process) -> tuple[Sequence[FileAction], Process]:
    """What puts hutch's init into a tree, unless the file says `init: none` or names another.

    The image's process then begins with the init, whose arguments are the application's. What the
    image wants to run is also left in a file, for a boot without the runtime.
    """
    said = build.plan.init
    if said == "none" or (said is None and build.plan.compat):
        return (), process
    process = without_init(process)
    if said is not None and said != "auto":
        return (), replace(process, entrypoint=(str(said), *process.entrypoint))
    architecture = build.plan.platform.architecture
    epoch = build.plan.timestamp
    text = render(process, power_off=monitors.get(build.plan.monitor).restarts)
    program = f"/usr/lib/hutch/init/linux-{architecture}"
    actions: tuple[FileAction, ...] = (
        llb.copy(build.inputs.tools(), program, RUNTIME.init, mode=0o755, timestamp=epoch),
        *(llb.mkdir(path, parents=True, timestamp=epoch) for path in _MOUNT_POINTS),
        llb.mkdir(posixpath.dirname(PATH), timestamp=epoch),
        llb.mkfile(PATH, text, timestamp=epoch),
    )
    return actions, replace(process, entrypoint=(RUNTIME.init, *process.entrypoint))
