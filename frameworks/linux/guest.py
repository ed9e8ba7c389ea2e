"""What a Linux guest finds in its root filesystem besides the user's files: the init program."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace

import llb
from frameworks.base import Build
from frameworks.init import guest
from frameworks.init.config import PATH
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
    said = guest.wanted(build.plan)
    if said is None:
        return (), process
    process = without_init(process)
    if said != "auto":
        return (), replace(process, entrypoint=(str(said), *process.entrypoint))
    epoch = build.plan.timestamp
    power_off = monitors.get(build.plan.monitor).restarts
    actions: tuple[FileAction, ...] = (
        guest.program(build, RUNTIME.init),
        *(llb.mkdir(path, parents=True, timestamp=epoch) for path in _MOUNT_POINTS),
        llb.mkdir(posixpath.dirname(PATH), timestamp=epoch),
        guest.configuration(build, process, power_off=power_off),
    )
    return actions, replace(process, entrypoint=(RUNTIME.init, *process.entrypoint))
