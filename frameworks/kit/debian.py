"""Debian: the image that compilers run in, with packages of pinned versions.

The image is hutch's own (`versions.toml`), or what `toolchain.from` names: Debian, Ubuntu, or a
build context. Only ours is pinned: another has what its distribution has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from frameworks.architectures import TABLE, Architecture
from frameworks.base import DEFAULT_EPOCH, Build, Image
from frameworks.kit import packages
from frameworks.rootfs.packages import installed
from frameworks.scripts import pinned, run_script, script
from frameworks.spec import APP, TOOLCHAIN, App, Text
from llb import Meta, State

FIXED: Mapping[str, str] = {"SOURCE_DATE_EPOCH": str(DEFAULT_EPOCH)}
"""The environment of steps that must not depend on the build's date: an application's new date must
not install a toolchain or build a kernel anew."""


@dataclass(frozen=True, slots=True)
class Release:
    """Debian's release: `snapshot` is (archive, suite, time) of the pinned packages.

    `versions` are by package and by the builder's architecture; `brings` are the packages that
    others stand for (gcc-x86-64-linux-gnu for gcc-14-x86-64-linux-gnu).
    """

    image: str
    snapshot: tuple[str, str, str]
    versions: Mapping[str, str | Mapping[str, str]]
    brings: Mapping[str, str]

    def exact(self, packages: Iterable[str], architecture: str) -> tuple[str, ...]:
        """`packages`, each once, pinned where a version is known on a builder of `architecture`.

        What is pinned comes last, as NAME=VERSION.
        """
        plain, found = list[str](), list[str]()
        for name in packages:
            real = self.brings.get(name, name)
            if real != name:
                plain.append(name)
            said = self.versions.get(real)
            version = said.get(architecture) if isinstance(said, Mapping) else said
            if version is not None:
                found.append(f"{real}={version}")
            elif real == name:
                plain.append(name)
        return tuple(dict.fromkeys((*plain, *found)))


@cache
def release(package: str = "frameworks.kit", table: str = "") -> Release:
    """What `versions.toml` says; a recipe for another Debian has a `table` in its own."""
    data = pinned(package)
    data = data[table] if table else data
    snapshot = (data["archive"], data["suite"], data["snapshot"])
    return Release(data["image"], snapshot, data["versions"], data.get("brings", {}))


def image(build: Build, of: Release | None = None) -> Image:
    """What `toolchain.from` names, or the pinned Debian."""
    return build.fetch(_own(build) or Text((of or release()).image), build.worker)


def base(build: Build, of: Release | None = None) -> State:
    """The files of that image, for the machine that builds: nothing is emulated."""
    return image(build, of).state.with_platform(build.worker)


def snapshot(build: Build) -> tuple[str, str, str] | tuple[()]:
    """Where pinned versions are that the archive has moved on from; () for an image of one's own.

    It is what the kit's scripts take for that: an archive, a suite, a time.
    """
    return () if _own(build) is not None else release().snapshot


def compiler(guest: Architecture) -> tuple[str, ...]:
    """The packages of gcc for `guest`, whatever the builder's architecture.

    The names of its tools begin with `guest.gnu_triplet`.
    """
    return (f"binutils-{guest.cross_suffix}", f"gcc-{guest.cross_suffix}")


def host_compiler(build: Build) -> tuple[str, ...]:
    """The packages of gcc for the machine that builds: what builds a source's own tools."""
    host = TABLE.get(build.worker.architecture)
    return () if host is None else compiler(host)


def libc(guest: Architecture) -> str:
    """The package of a C library to link programs for `guest` to, on a builder of another one."""
    return f"libc6-dev-{guest.debian}-cross"


def toolchain(build: Build, packages: Iterable[str], of: Release | None = None) -> State:
    """`base` with `packages` of its distribution.

    Where a build is of its plan's platform and nothing else, so is this: one vertex for all files.
    """
    at = _own(build) or build.origin
    meta = build.meta("toolchain", "install the toolchain", at)
    return install(build, base(build, of), packages, meta, of)


def install(
    build: Build, state: State, packages: Iterable[str], meta: Meta, of: Release | None = None
) -> State:
    """`state` with packages that a recipe needs, of pinned versions where the image is ours."""
    if _own(build) is not None:
        return _install(build, state, packages, meta)
    pins = of or release()
    wanted = pins.exact(packages, build.worker.architecture)
    place = pins.snapshot if any("=" in name for name in wanted) else ()
    return _install(build, state, wanted, meta, place)


def extra(build: Build, state: State, more: Iterable[str] = ()) -> State:
    """`state` with `toolchain.packages`, if there are any, and then `more`."""
    said = build.plan.toolchain.packages
    if not said:
        return state
    what = "install more packages"
    return _named(build, TOOLCHAIN, said[0], state, (*said, *more), what)


def app_packages(build: Build, state: State, app: App) -> State:
    """`state` with the packages that an application's scripts need.

    `g++` brings the guest's own, too, as gcc is there for the guest.
    """
    if not app.packages:
        return state
    guest = build.plan.architecture
    wanted: list[str] = list(app.packages)
    if "g++" in wanted and guest.name != build.worker.architecture:
        wanted.append(f"g++-{guest.cross_suffix}")
    what = "install the application's packages"
    return _named(build, APP, app.packages[0], state, wanted, what)


def _named(
    build: Build, section: str, at: Text, state: State, names: Sequence[str], what: str
) -> State:
    """`state` with packages that the file names: as a lock has them, or as they are today."""
    names = list(dict.fromkeys(map(str, names)))

    def fetch() -> State:
        meta = build.meta(packages.STEP, f"fetch packages of '{section}'", at)
        of = build.worker.architecture
        return packages.ask(build, state, packages.FETCH, names, meta, of=of, env=FIXED)

    def install(files: State) -> State:
        meta = build.meta(section, what, at)
        return packages.install(build, state, files, names, meta, env=FIXED)

    return installed(build, section, at, state, fetch, install)


def _own(build: Build) -> Text | None:
    """The image that the file names. `source` asks for a compiler of the system's own, in ours."""
    said = build.plan.toolchain.from_
    return None if said == "source" else said


def _install(
    build: Build,
    state: State,
    names: Iterable[str],
    meta: Meta,
    snapshot: tuple[str, str, str] | tuple[()] = (),
) -> State:
    """One of the few steps that have the network."""
    wanted = list(dict.fromkeys(map(str, names)))
    if not wanted:
        return state
    past = ["--snapshot", *snapshot] if snapshot else []
    command = run_script("install.sh", *past, *wanted)
    scripts = (script("frameworks.kit", name) for name in ("install.sh", "apt.sh"))
    mounts = (*scripts, packages.archives(build))
    return build.run(state, command, mounts=mounts, network=True, env=FIXED, meta=meta).root
