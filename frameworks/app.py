"""The application, built from source: by its own scripts, in the toolchain, for the guest."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from frameworks.base import Build, File
from frameworks.git import checkout
from frameworks.scripts import run_script
from frameworks.scripts import script as step
from frameworks.spec import App, Text
from llb import Meta, Mount, State, scratch

_DIRECTORY = "/app"
_SCRIPT = "/hutch/app.sh"


Compilers = Callable[[App], tuple[State, Mapping[str, str]]]
"""Gives the image that an application's scripts run in, and the variables that name its compiler.
It is asked only if there are scripts."""


def directory(build: Build, compilers: Compilers) -> File:
    """The application's directory as its scripts left it; artifacts are relative to it.

    Scripts see the compilers' variables (CC and its kin) and the build's arguments. `fetch` has
    the network, and the agents of `ssh`; `build` has neither: it finds what `fetch` left.
    """
    app = build.plan.app
    assert app is not None
    state = _source(build, app)
    if app.fetch is None and app.build is None:
        return File(state, "/")
    tools, variables = compilers(app)
    env = {**build.plan.args, **variables}
    if app.fetch is not None:
        key, what = "app.fetch", "fetch what the application needs"
        mounts = [*_secrets(app), *(Mount.ssh("" if id == "default" else id) for id in app.ssh)]
        state = _run(build, tools, state, app.fetch, key, what, env, mounts, network=True)
    if app.build is not None:
        key, what = "app.build", "build the application"
        mounts = [*_secrets(app)]
        state = _run(build, tools, state, app.build, key, what, env, mounts, network=False)
    return File(state, "/")


def _run(
    build: Build,
    tools: State,
    state: State,
    script: Text,
    key: str,
    what: str,
    env: Mapping[str, str],
    mounts: list[Mount],
    *,
    network: bool,
) -> State:
    """`state` after a script has run in it as its working directory."""
    file = scratch().mkfile(
        "/app.sh", script, mode=0o755, timestamp=0, meta=Meta(name="[internal] a script of app")
    )
    return build.run(
        tools,
        # By `sh -e`: a command that fails ends the build, as each line of a Dockerfile does.
        run_script("run.sh", _SCRIPT, key),
        mounts=[
            step("frameworks", "run.sh"),
            Mount.bind(_DIRECTORY, state),
            Mount.bind(_SCRIPT, file, "/app.sh", readonly=True),
            *mounts,
        ],
        env=env,
        cwd=_DIRECTORY,
        network=network,
        meta=build.meta("app", what, script),
    ).mount(_DIRECTORY)


def _secrets(app: App) -> Iterator[Mount]:
    for secret in app.secrets:
        optional = not secret.required
        if secret.env is not None:
            yield Mount.secret_env(secret.id, secret.env, optional=optional)
        if secret.target is not None or secret.env is None:
            yield Mount.secret(secret.id, secret.target or "", optional=optional)


def _source(build: Build, app: App) -> State:
    """The application's sources at `/` of a state of their own."""
    path = app.path or Text(".", app.at)
    if app.git is not None:
        meta = build.meta("app", f"fetch {app.git.url}", app.from_)
        origin = checkout(build, app.git, meta)
    elif app.from_ == "local":
        origin = build.inputs.context(path)
    else:
        origin = build.fetch(app.from_, build.platform_of(app.from_), path).state
    return scratch().copy(
        origin,
        posixpath.join("/", path),
        "/",
        contents_only=True,
        meta=build.meta("app", "copy the application's sources", app.path or app.at),
    )
