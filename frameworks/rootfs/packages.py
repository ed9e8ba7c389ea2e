"""The packages of a root filesystem: their files, from the lock or from the guest's repositories.

What a framework fetches is a directory: the packages' files under names of its own, and `LIST`, a
JSON list with an object for each of them:

    [{"name": "nginx", "version": "1.26.3-3", "url": "http://.../nginx_1.26.3-3_amd64.deb",
      "sha256": "..."}]

`hutch lock` writes these into the lock file, and a build that has one fetches nothing else: then
the files are named after the last parts of their URLs.
"""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

from frameworks.base import Build, File
from frameworks.spec import Package
from llb import State, copy, http, scratch

LIST = "/packages.json"

_AT_ONCE = 30
"""Files that one vertex gathers: see `frameworks.rootfs.tree.put`."""


def install(build: Build, tree: State) -> State:
    """`tree` with the plan's packages."""
    locked = build.plan.packages
    if locked == ():
        return tree  # all of them are in the base
    if locked is None:
        files = build.framework.fetch_packages(build, tree)
    else:
        files = _locked(build, locked)
    return build.framework.install_packages(build, tree, files)


def listed(build: Build, tree: State) -> File:
    """What the plan's packages come to today, whatever a lock says: `LIST`."""
    return File(build.framework.fetch_packages(build, tree), LIST)


def file_name(url: str) -> str:
    """What the file of a package is called: the last part of its URL."""
    return unquote(posixpath.basename(url.partition("?")[0].partition("#")[0])) or "package"


def _locked(build: Build, packages: tuple[Package, ...]) -> State:
    """The files that a lock names, each by its checksum."""
    first = build.plan.rootfs.packages[0]
    gathered = scratch()
    for start in range(0, len(packages), _AT_ONCE):
        actions = []
        for package in packages[start : start + _AT_ONCE]:
            name = file_name(package.url)
            fetched = http(
                package.url,
                checksum=f"sha256:{package.sha256}",
                filename=name,
                meta=build.meta("rootfs", f"fetch {package.name} {package.version}", first),
            )
            actions.append(copy(fetched, f"/{name}", f"/{name}", timestamp=build.plan.timestamp))
        gathered = gathered.file(*actions, meta=build.meta("rootfs", "gather packages", first))
    return gathered
