"""Packages that a file names: one step fetches their files, and another installs them.

The first, `ask`, has the network, and chooses: it leaves a directory of files, and the list of them
(`frameworks.rootfs.packages.LIST`). `install` has no network, and takes what is in the directory,
which may be of a lock file as well. Both run the package manager of the system that they are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from frameworks.architectures import TABLE
from frameworks.base import Build
from frameworks.scripts import run_script, script
from llb import Meta, Mount, State, scratch

STEP = "packages"
"""The step that chooses packages, as `--no-cache-filter` names it."""

FETCH, MISSING = "fetch", "missing"
"""What a package manager is asked for: the files of packages, or which of them there are not."""

_OUT = "/out"
_ROOT = "/target"
_FILES = "/hutch/packages"


def archives(build: Build) -> Mount:
    """What apt downloaded, in whatever step: a cache of the builder's, which apt.sh checks."""
    return build.cache("/hutch/archives", "apt")


def ask(
    build: Build,
    system: State,
    verb: str,
    names: Iterable[str],
    meta: Meta,
    *,
    of: str,
    guest: State | None = None,
    env: Mapping[str, str] = MappingProxyType({}),
) -> State:
    """What the package manager of `system` says of `names`: `FETCH` or `MISSING`.

    `of` is what OCI calls the processor that they are for. `guest` is the tree that they are for
    where that is another one than `system`. What was downloaded is kept in a cache of the builder.
    """
    mounts = [
        *_scripts(),
        Mount.bind(_OUT, scratch()),
        archives(build),
    ]
    root = ""
    if guest is not None:
        root = _ROOT
        mounts.append(Mount.bind(root, guest))
    debian = TABLE[of].debian if of in TABLE else ""
    command = run_script("packages.sh", verb, _OUT, root, debian, *names)
    step = build.run(system, command, mounts=mounts, network=True, env=env, meta=meta)
    return step.mount(_OUT)


def install(
    build: Build,
    system: State,
    files: State,
    names: Sequence[str],
    meta: Meta,
    env: Mapping[str, str] = MappingProxyType({}),
) -> State:
    """`system` with the packages of the directory `files`, which were fetched for `names`."""
    command = run_script("packages.sh", "install", _FILES, *names)
    mounts = (*_scripts(), Mount.bind(_FILES, files, readonly=True))
    return build.run(system, command, mounts=mounts, env=env, meta=meta).root


def _scripts() -> tuple[Mount, ...]:
    names = ("packages.sh", "packages-apt.sh", "packages-apk.sh", "apt.sh")
    return tuple(script("frameworks.kit", name) for name in names)
