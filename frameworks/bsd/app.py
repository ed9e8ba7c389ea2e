"""The application, built from source in the toolchain, for the guest's system and architecture."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

import llb
from frameworks.base import Build, File
from frameworks.rootfs import tree
from frameworks.spec import App, Text
from llb import Meta, Mount, State, scratch

_DIRECTORY = "/app"
_SCRIPT = "/hutch/app.sh"


def app_directory(build: Build, tools: State, variables: Mapping[str, str]) -> File:
    """The application's directory as its build left it; artifacts are relative to it.

    The script runs in `tools`, without a network, and sees `variables`: CC and its kin.
    """
    app = build.plan.app
    assert app is not None
    state = _source(build, app)
    if not app.build:
        return File(state, "/")
    script = scratch().mkfile(
        "/app.sh", app.build, mode=0o755, timestamp=0, meta=Meta(name="[internal] app.build")
    )
    step = build.run(
        tools,
        # -e: a command that fails ends the build, as each line of a Dockerfile does.
        ["/bin/sh", "-e", _SCRIPT],
        mounts=[
            Mount.bind(_DIRECTORY, state),
            Mount.bind(_SCRIPT, script, "/app.sh", readonly=True),
        ],
        env=variables,
        cwd=_DIRECTORY,
        meta=build.meta("app", "build the application", app.build),
    )
    return File(step.mount(_DIRECTORY), "/")


def _source(build: Build, app: App) -> State:
    """The application's sources at `/` of a state of their own."""
    path = app.path or Text(".", app.at)
    if app.from_ == "local":
        origin = build.inputs.context(path)
    elif "://" in app.from_:
        origin = llb.git(app.from_, meta=build.meta("app", f"fetch {app.from_}", app.from_))
    else:
        origin = tree.source(build, app.from_, path).state
    return scratch().copy(
        origin,
        posixpath.join("/", path),
        "/",
        contents_only=True,
        meta=build.meta("app", "copy the application's sources", app.path or app.at),
    )
