"""The headers and libraries of the guest's system, for the compilers of an application.

    tools = kit.with_sysroot(build, tools, origins)      of images, contexts, archives
    tools = kit.place_sysroot(build, tools, built)       of a state that a recipe made

They are at `SYSROOT` of the toolchain, by the paths that they have in the guest.
"""

from __future__ import annotations

from collections.abc import Sequence

from frameworks.base import Build
from frameworks.rootfs.tree import archive
from frameworks.scripts import run_script, script
from frameworks.spec import Origin
from llb import Range, State, scratch

SYSROOT = "/hutch/sysroot"

_FOLDERS = (
    "lib",
    "usr/include",
    "usr/lib",
    "usr/libdata",
    "usr/local/include",
    "usr/local/lib",
    "usr/local/libdata",
    "usr/pkg/include",
    "usr/pkg/lib",
)
"""What compilers read, of a system and of its packages."""


def with_sysroot(build: Build, tools: State, origins: Sequence[Origin]) -> State:
    """`tools` with what `origins` have for compilers, a later one over an earlier one.

    The step fails, and says so, where there are no headers or no C library among it.
    """
    gathered = scratch()
    for origin in origins:
        if origin.sha256 is not None:
            files = archive(build, origin.from_, origin.sha256, "app", origin.from_.at)
        else:
            files = build.fetch(origin.from_, build.platform_of(origin.from_)).state
        gathered = gathered.copy(
            files,
            "/",
            "/",
            include=_FOLDERS,
            contents_only=True,
            meta=build.meta("app", f"take the libraries of {origin.from_}", origin.from_),
        )
    return place_sysroot(build, tools, gathered, origins[0].from_.at)


def place_sysroot(build: Build, tools: State, system: State, at: Range) -> State:
    """`tools` with `system` at `SYSROOT`, once it is seen that programs can be linked with it."""
    placed = tools.copy(
        system,
        "/",
        SYSROOT,
        contents_only=True,
        create_dest_path=True,
        meta=build.meta("app", "add the guest's headers and libraries", at),
    )
    return build.run(
        placed,
        run_script("sysroot.sh", SYSROOT),
        mounts=[script("frameworks.kit", "sysroot.sh")],
        meta=build.meta("app", "look at the guest's headers and libraries", at),
    ).root
