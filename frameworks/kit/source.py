"""Source trees, from wherever a file or a recipe says.

Each kind is a BuildKit source, or a package that apt verifies: nothing is fetched by hand.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

import llb
from frameworks.base import Build, Image, Plan
from frameworks.diagnostics import did_you_mean, problem
from frameworks.git import checkout
from frameworks.kit import packages
from frameworks.kit.debian import base
from frameworks.scripts import pinned, run_script, script
from frameworks.spec import GitSource, LocalSource, PackageSource, Source, Text, UrlSource
from llb import Mount, Range, State, scratch

_ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz", ".tzst")


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A source tree at `/` of `state`.

    `kind` is a short name of where it is from ("git", "archive", "local", a package), `key` one
    that another source does not have. With `pinned` the files behind a `key` are always the same;
    what is at hand is named by its place alone.
    """

    state: State
    kind: str
    key: str
    pinned: bool = False

    def mount(self, dest: str) -> Mount:
        """The tree at `dest`, as an input that is known by how it was made.

        It is writable, and what would be written is thrown away: the content of a read-only mount
        BuildKit would hash, all of its 80,000 files, before it looks into its cache.
        """
        return Mount.bind(dest, self.state)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """How a source tree is told from another directory: `what` it is, and what all of them have.

    `parts` are what a whole tree has, too, and may be a tree of its own: a path -> the hint for it.
    """

    what: str
    paths: tuple[str, ...]
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pin:
    """A source that hutch knows: its version, and where it is, with the commit it has to be."""

    version: str
    git: GitSource


def pin(package: str, name: str) -> Pin:
    """What `versions.toml` of `package` says of the tree `name`: a table with `version`."""
    entry = pinned(package)[name]
    return Pin(entry["version"], _git_source(entry))


def pins(package: str) -> tuple[str, dict[str, Pin]]:
    """The default version, and all that `[versions]` in `versions.toml` of `package` lists."""
    table = pinned(package)
    found = {name: Pin(name, _git_source(entry)) for name, entry in table["versions"].items()}
    return str(table["default"]), found


def versioned(plan: Plan, package: str, system: str) -> tuple[str, GitSource]:
    """The version that a plan names of `pins`, or the default, and where its source is.

    Raises Problems for one that is not there; `system` is what a user calls what has versions.
    """
    default, known = pins(package)
    version = plan.version or Text(default, plan.monitor.at)
    if version not in known:
        raise problem(
            "unknown-value",
            f"hutch knows no {system} {version}",
            hint=did_you_mean(version, known) or "name the source with `kernel.source`",
            at=version.at,
            file=plan.file,
        )
    return str(version), known[version].git


def _git_source(entry: dict[str, str]) -> GitSource:
    return GitSource(Text(entry["git"]), Text(entry.get("ref", "")), Text(entry["commit"]))


def named(build: Build, name: str, landmarks: Landmarks) -> State | None:
    """The build context `name` (`--build-context name=...`), None where there is none.

    Raises Problems for a directory that lacks one of the landmarks.
    """
    found = build.inputs.named(Text(name), build.worker)
    if found is None:
        return None
    _refuse(build, name, found, landmarks, build.origin)
    # A copy is known by its content, which a directory of the client is not.
    meta = build.meta("toolchain", f"take {name} from its build context")
    return scratch().copy(found.state, "/", "/", contents_only=True, meta=meta)


def _refuse(
    build: Build, name: str, found: Image, landmarks: Landmarks, at: Text | Range | None
) -> None:
    """Raise Problems for a build context that is a directory of the client's, and not what it is
    named as.

    What else a context may be is fetched when a step needs it: that step looks by itself, and ends
    with `frameworks.exits.WRONG_SOURCE`.
    """
    if not found.sent:
        return
    usual = f"'--build-context {name}=...' names the directory that has it"
    for path, hint in {**dict.fromkeys(landmarks.paths, usual), **landmarks.parts}.items():
        if build.inputs.has(found.state, posixpath.join("/", path)) is False:
            raise problem(
                "wrong-source",
                f"the build context '{name}' is no {landmarks.what}: there is no {path} in it",
                hint=hint,
                at=at.at if isinstance(at, Text) else at,
                file=build.plan.file,
            )


def pinned_tree(build: Build, name: str, pin: Pin, landmarks: Landmarks) -> State:
    """The source tree of a tool: the build context `name`, or what is pinned.

    Raises Problems for a directory that lacks one of the landmarks.
    """
    if (given := named(build, name, landmarks)) is not None:
        return given
    return checkout(build, pin.git, build.meta("toolchain", f"fetch {name} {pin.version}"))


def source(
    build: Build,
    said: Source,
    tools: State,
    *,
    at: Text | Range | None = None,
    landmarks: Landmarks | None = None,
    marker: str = "",
    place: tuple[str, str, str] | None = None,
) -> SourceTree:
    """The source tree that `said` names; `tools` is the image that unpacks an archive.

    `marker` is a file at the top of every tree of this system, by which the top of an archive is
    found; without one an archive has its tree in one directory. `place` is (archive, suite,
    snapshot) of a package that the image's own sources may lack. `at` is the line that asks for it,
    where that is not its own. Raises Problems for a build context that is a directory and
    lacks one of the landmarks.
    """
    match said:
        case PackageSource(package):
            return _package(build, package, at if at is not None else package, place)
        case GitSource(url):
            name = str(said.ref or said.commit or "")
            line = at if at is not None else url
            meta = build.meta("kernel", f"fetch {url} {name}".rstrip(), line)
            state = checkout(build, said, meta)
            key = f"git:{url}#{said.commit or name}" + (f":{said.subdir}" if said.subdir else "")
            return SourceTree(state, "git", key, bool(said.commit))
        case UrlSource(url):
            key = f"sha256:{said.sha256}"
            meta = build.meta("kernel", f"fetch {url}", url)
            archive = llb.http(url, checksum=key, filename="source.tar", meta=meta)
            state = _unpack(build, archive, "/source.tar", tools, url, marker)
            return SourceTree(state, "archive", key, pinned=True)
        case LocalSource(path):
            return _local(build, path, tools, landmarks, marker)


def _package(
    build: Build, package: Text, at: Text | Range, place: tuple[str, str, str] | None
) -> SourceTree:
    name, _, version = package.partition("=")
    step = build.run(
        base(build),
        run_script("fetch.sh", "/out", package, *(place or ())),
        mounts=[
            script("frameworks.kit", "fetch.sh"),
            script("frameworks.kit", "apt.sh"),
            packages.archives(build),
            Mount.bind("/out", scratch()),
        ],
        network=True,
        meta=build.meta("kernel", f"fetch {package}", at),
    )
    return SourceTree(step.mount("/out"), name, f"package {package}", bool(version))


def _local(
    build: Build, said: Text, tools: State, landmarks: Landmarks | None, marker: str
) -> SourceTree:
    found = build.inputs.named(said, build.plan.platform)
    if found is not None and landmarks is not None:
        _refuse(build, said, found, landmarks, said)
    origin, path, key = (
        (build.inputs.context(said), str(said), f"local:{said}")
        if found is None
        else (found.state, "/", f"context:{said}")
    )
    name = posixpath.basename(path)
    if name.endswith(_ARCHIVES) or ".tar." in name:
        state = _unpack(build, origin, posixpath.join("/", path), tools, said, marker)
        return SourceTree(state, "local", key)
    # A copy is known by its content, which directories of the client are not.
    meta = build.meta("kernel", f"copy {said}", said)
    state = scratch().copy(origin, path, "/", contents_only=True, meta=meta)
    return SourceTree(state, "local", key)


def _unpack(
    build: Build, archive: State, path: str, tools: State, at: Text | Range, marker: str
) -> State:
    """An archive's tree. tar sees by itself how it is compressed."""
    command = [
        "/bin/tar",
        "--extract",
        "--file=/archive",
        "--directory=/src",
        "--strip-components=1",
        "--no-same-owner",
    ]
    mounts: list[Mount] = [
        Mount.bind("/archive", archive, path, readonly=True),
        Mount.bind("/src", scratch()),
    ]
    if marker:
        command = run_script("unpack.sh", "/archive", "/src", marker)
        mounts.append(script("frameworks.kit", "unpack.sh"))
    meta = build.meta("kernel", "unpack the source", at)
    return build.run(tools, command, mounts=mounts, meta=meta).mount("/src")
