"""The application, built from source: by its own scripts, in the toolchain, for the guest."""

from __future__ import annotations

import hashlib
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
    "PIP_CACHE_DIR": f"{_CACHE}/pip",
    "npm_config_cache": f"{_CACHE}/npm",
    "GOCACHE": f"{_CACHE}/go-build",
}
"""Where package managers keep what they download, and compilers what they compiled.

Go and Cargo build out of where they downloaded to, so that is part of the state that `fetch` leaves
to `build`: a builder whose caches were emptied still builds. pip and npm install out of theirs, and
do without them; so does a compiler.

`_CACHE` is the project's own. `_DOWNLOADS` is every project's: `run.sh` puts there what Go and
Cargo downloaded and anybody may have, which both check by the project's checksums. npm's and
pip's caches do not say what is private in them, and nobody checks wheels that pip built.
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
    own = f"{plan.framework}/{plan.platform.architecture}/app/{_project(app)}"
    cache = build.cache(_CACHE, own)
    fetched: list[Mount] = []
    if app.fetch is not None:
        key, what = "app.fetch", "fetch what the application needs"
        mounts = [
            *_secrets(app),
            *(Mount.ssh("" if id == "default" else id) for id in app.ssh),
            Mount.bind(_FETCHED, scratch()),
            build.cache(_DOWNLOADS, "downloads/public"),
            cache,
        ]
        places = (_DOWNLOADS, _CACHE, str(len(app.secrets) + len(app.ssh)))
        step = _run(build, tools, state, app.fetch, key, what, env, mounts, places)
        state = step.mount(_DIRECTORY)
        # Written to, and thrown away: package managers put their locks there.
        fetched = [Mount.bind(_FETCHED, step.mount(_FETCHED), output=False)]
    if app.build is not None:
        key, what = "app.build", "build the application"
        mounts = [*_secrets(app), *fetched, cache]
        step = _run(build, tools, state, app.build, key, what, env, mounts)
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
    places: tuple[str, ...] = (),
) -> Exec:
    """Run a script with `state` as its working directory.

    `places` are where downloads are kept and how many credentials there are: what fetches has them,
    and it alone has the network.
    """
    file = scratch().mkfile(
        "/app.sh", script, mode=0o755, timestamp=0, meta=Meta(name="[internal] a script of app")
    )
    return build.run(
        tools,
        # By `sh -e`: a command that fails ends the build, as each line of a Dockerfile does.
        run_script("run.sh", _SCRIPT, key, *places),
        mounts=[
            step("frameworks", "run.sh"),
            Mount.bind(_DIRECTORY, state),
            Mount.bind(_SCRIPT, file, "/app.sh", readonly=True),
            *mounts,
        ],
        env=env,
        cwd=_DIRECTORY,
        network=bool(places),
        meta=build.meta("app", what, script),
    )


def _project(app: App) -> str:
    """A name for the project, by what stays as it is while somebody works at it.

    It is of the file alone: a builder elsewhere makes the same steps of it.
    """
    repository = (app.git.url, app.git.subdir) if app.git else (app.from_,)
    words = [*repository, app.path or ".", app.fetch or "", *app.packages, *app.ssh]
    words += [secret.id for secret in app.secrets]
    words += [word for each in app.artifacts for word in (each.source, each.destination)]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]


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
