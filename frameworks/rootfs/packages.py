"""Packages: their files, from the lock or from a distribution's repositories.

What is fetched is a directory: the packages' files under names of its own, and `LIST`, a JSON list
with an object for each of them:

    [{"name": "nginx", "version": "1.26.3-3", "url": "http://.../nginx_1.26.3-3_amd64.deb",
      "sha256": "..."}]

`hutch lock` writes these into the lock file, and a build that has one fetches nothing else: then
the files are named after the last parts of their URLs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from urllib.parse import unquote

from frameworks.base import DEFAULT_EPOCH, Build
from frameworks.spec import ROOTFS, Package, Text
from llb import State, copy, http, scratch

LIST = "/packages.json"

_AT_ONCE = 30
"""Files that one vertex gathers: see `frameworks.rootfs.tree.put`."""


def install(build: Build, tree: State) -> State:
    """`tree` with the packages of the plan's root."""
    framework = build.framework
    return installed(
        build,
        ROOTFS,
        build.plan.rootfs.packages[0],
        tree,
        lambda: framework.fetch_packages(build, tree),
        lambda files: framework.install_packages(build, tree, files),
    )


def installed(
    build: Build,
    section: str,
    at: Text,
    system: State,
    fetch: Callable[[], State],
    install: Callable[[State], State],
) -> State:
    """`system` with the packages of a section, of which the first is `at`.

    `fetch` gives the directory of what they come to today, and is not asked where a lock file has
    answered before; `install` adds the files of one.
    """
    locked = build.plan.locked(section)
    if locked is not None:
        return install(_locked(build, section, at, locked))
    today = fetch()
    build.fetched.setdefault(section, today)
    return install(today)


def file_name(url: str) -> str:
    """What the file of a package is called: the last part of its URL."""
    return unquote(posixpath.basename(url.partition("?")[0].partition("#")[0])) or "package"


def _locked(build: Build, section: str, at: Text, packages: tuple[Package, ...]) -> State:
    """The files that a lock names, each by its checksum.

    Without any the directory is there, too: whether all that is asked for is in the system already,
    only the system knows.
    """
    gathered = scratch()
    if not packages:
        meta = build.meta(section, "gather packages", at)
        return gathered.mkfile(LIST, "[]\n", timestamp=DEFAULT_EPOCH, meta=meta)
    for start in range(0, len(packages), _AT_ONCE):
        actions = []
        for package in packages[start : start + _AT_ONCE]:
            name = file_name(package.url)
            fetched = http(
                package.url,
                checksum=f"sha256:{package.sha256}",
                filename=name,
                meta=build.meta(section, f"fetch {package.name} {package.version}", at),
            )
            actions.append(copy(fetched, f"/{name}", f"/{name}", timestamp=DEFAULT_EPOCH))
        gathered = gathered.file(*actions, meta=build.meta(section, "gather packages", at))
    return gathered
