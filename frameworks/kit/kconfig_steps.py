"""The steps around a configuration by Kconfig that are the same for every system that has one.

    mounts, paths = requests(build, ours, meta, lines)        fragments, in their order
    merged(build, PROGRAM, trees, mounts, paths, at)          the file /request
    ... the system's own steps make the .config, and `check` what it lost (the file /report) ...
    required(build, PROGRAM, config, report, at)              /config, if it lost nothing

PROGRAM is the module name of the system's `steps/kconfig.py`; see `frameworks.kit.steps.kconfig`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from frameworks.base import Build
from frameworks.kit.options import OPTIONS
from frameworks.spec import Text
from llb import Meta, Mount, Range, State, mkfile, scratch


def requests(
    build: Build, ours: Sequence[tuple[str, str | bytes]], meta: Meta, lines: Sequence[str]
) -> tuple[list[Mount], list[str]]:
    """The fragments as mounts of a step, and their paths there: what comes later counts.

    First `ours`, hutch's own by name, whose vertex has `meta`; then the file's
    (`kernel.fragments`), then `lines`, which its single options are.
    """
    kernel = build.plan.kernel
    assert kernel is not None
    mounts, paths = list[Mount](), list[str]()
    if ours:
        named = [(f"/{at:02}-{name}", text) for at, (name, text) in enumerate(ours)]
        state = scratch().file(*(mkfile(*each, timestamp=0) for each in named), meta=meta)
        mounts.append(Mount.bind("/requests/ours", state, readonly=True))
        paths += [f"/requests/ours{path}" for path, _ in named]
    for index, fragment in enumerate(kernel.fragments):
        path = f"/requests/theirs/{index:02}"
        context = build.inputs.context(fragment)
        mounts.append(Mount.bind(path, context, posixpath.join("/", fragment), readonly=True))
        paths.append(path)
    if lines:
        state = scratch().mkfile(
            f"/{OPTIONS}",
            "".join(f"{line}\n" for line in lines),
            timestamp=0,
            meta=build.meta("kernel", "options of the bunnyfile", kernel.at),
        )
        path = f"/requests/{OPTIONS}"
        mounts.append(Mount.bind(path, state, f"/{OPTIONS}", readonly=True))
        paths.append(path)
    return mounts, paths


def merged(
    build: Build,
    program: str,
    trees: Iterable[Mount],
    mounts: Sequence[Mount],
    paths: Sequence[str],
    at: Text | Range,
) -> State:
    """The requests as one file, /request; `trees` are the sources, below /src."""
    return build.tool(
        program,
        ["merge", "--source", "/src", "--out", "/out/request", *paths],
        mounts=[*trees, *mounts, Mount.bind("/out", scratch())],
        meta=build.meta("kernel", "merge the configuration", at),
    ).mount("/out")


def required(build: Build, program: str, config: State, report: State, at: Text | Range) -> State:
    """The file /config of `config`; an error of the build if `report` says that it lost a request.

    Apart from the step that writes the report, so that the report can be read after a failure.
    """
    return build.tool(
        program,
        [
            *("require", "--report", "/report/report"),
            *("--config", "/config/config", "--out", "/out/config"),
        ],
        mounts=[
            Mount.bind("/report", report, readonly=True),
            Mount.bind("/config", config, readonly=True),
            Mount.bind("/out", scratch()),
        ],
        meta=build.meta("kernel", "require the configuration", at),
    ).mount("/out")
