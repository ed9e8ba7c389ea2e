"""The application, built from source: by its own scripts, in the toolchain, for the guest."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping

from frameworks.base import Build, File
from frameworks.git import checkout
from frameworks.scripts import run_script
from frameworks.scripts import script as step
from frameworks.spec import App, Text
from llb import Exec, Meta, Mount, State, scratch

_DIRECTORY = "/app"
_SCRIPT = "/hutch/app.sh"
_FETCHED = "/hutch/fetched"
_DOWNLOADS = "/hutch/downloads"
_CACHE = "/hutch/cache"

_PLACES = {
    "GOMODCACHE": f"{_FETCHED}/go",
    "CARGO_HOME": f"{_FETCHED}/cargo",
    "PIP_CACHE_DIR": f"{_DOWNLOADS}/pip",
    "npm_config_cache": f"{_DOWNLOADS}/npm",
    "GOCACHE": f"{_CACHE}/go-build",
}
"""Where package managers keep what they download, and compilers what they compiled.

Go and Cargo build out of where they downloaded to, so that is part of the state that `fetch` leaves
to `build`: a builder whose caches were emptied still builds. pip and npm install out of theirs, and
do without them; so does a compiler. `run.sh` has a cache for what Go and Cargo download.
"""

Compilers = Callable[[App], tuple[State, Mapping[str, str]]]
"""Gives the image that an application's scripts run in, and the variables that name its compiler.
It is asked only if there are scripts."""


def directory(build: Build, compilers: Compilers) -> File:
    """The application's directory as its scripts left it; artifacts are relative to it.

    Scripts see the compilers' variables (CC and its kin) and the build's arguments, which win.
    `fetch` has the network, and the agents of `ssh`; `build` has neither: it finds what `fetch`
    left. Both have caches of the builder's, which a build can do without.
    """
    app = build.plan.app
    assert app is not None
    state = sources(build, app)
    if app.fetch is None and app.build is None:
        return File(state, "/")
    tools, variables = compilers(app)
    args = build.plan.args
    env = {**args, **{k: v for k, v in {**_PLACES, **variables}.items() if k not in args}}
    plan = build.plan
    cache = build.cache(_CACHE, f"{plan.framework}/{plan.platform.architecture}/app")
    fetched: list[Mount] = []
    if app.fetch is not None:
        key, what = "app.fetch", "fetch what the application needs"
        mounts = [
            *_secrets(app),
            *(Mount.ssh("" if id == "default" else id) for id in app.ssh),
            Mount.bind(_FETCHED, scratch()),
            build.cache(_DOWNLOADS, "downloads"),
            cache,
        ]
        step = _run(build, tools, state, app.fetch, key, what, env, mounts, network=True)
        state = step.mount(_DIRECTORY)
        # Written to, and thrown away: package managers put their locks there.
        fetched = [Mount.bind(_FETCHED, step.mount(_FETCHED), output=False)]
    if app.build is not None:
        key, what = "app.build", "build the application"
        mounts = [*_secrets(app), *fetched, cache]
        step = _run(build, tools, state, app.build, key, what, env, mounts, network=False)
        state = step.mount(_DIRECTORY)
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
) -> Exec:
    """Run a script with `state` as its working directory."""
    file = scratch().mkfile(
        "/app.sh", script, mode=0o755, timestamp=0, meta=Meta(name="[internal] a script of app")
    )
    return build.run(
        tools,
        # By `sh -e`: a command that fails ends the build, as each line of a Dockerfile does.
        run_script("run.sh", _SCRIPT, key, *([_DOWNLOADS] if network else [])),
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
    )


def _secrets(app: App) -> Iterator[Mount]:
    for secret in app.secrets:
        optional = not secret.required
        if secret.env is not None:
            yield Mount.secret_env(secret.id, secret.env, optional=optional)
        if secret.target is not None or secret.env is None:
            yield Mount.secret(secret.id, secret.target or "", optional=optional)


def sources(build: Build, app: App) -> State:
    """The application's directory as it was brought, at `/` of a state of its own."""
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
