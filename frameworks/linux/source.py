"""The kernel's source tree, from wherever the file says, patched and made ready.

Each kind of source is a BuildKit source or a package that apt verifies; nothing is fetched by hand.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

import llb
from frameworks.base import Build
from frameworks.git import checkout
from frameworks.linux.toolchain import base, plain_toolchain
from frameworks.linux.versions import Series, versions
from frameworks.scripts import run_script, script
from frameworks.spec import GitSource, Kernel, LocalSource, PackageSource, Text, UrlSource
from llb import Mount, State, scratch

_ARCHIVES = (".tar", ".tgz", ".tbz2", ".txz", ".tzst")


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree at `/` of `state`. `name` keeps caches of different sources apart."""

    state: State
    name: str

    def mount(self) -> Mount:
        """The tree at /src, as an input that is known by how it was made.

        It is writable, and what would be written is thrown away: the content of a read-only mount
        BuildKit would hash, all of its 80,000 files, before it looks into its cache.
        """
        return Mount.bind("/src", self.state)


def series(build: Build) -> Series:
    """The series that the plan's version names, the default without one.

    The version may be longer than the series ("6.12.117"); `check` has seen that it is known.
    """
    table = versions()
    said = build.plan.version
    name = ".".join(said.split(".")[:2]) if said is not None else table.default
    return table.series[name]


def source(build: Build) -> Tree:
    """The kernel's source as the plan has it."""
    kernel = build.plan.kernel
    assert kernel is not None
    # Not the file's own packages: one more of them does not unpack the source anew.
    tools = plain_toolchain(build)
    said = kernel.source
    if said is None or isinstance(said, PackageSource):
        state, name, identity = _package(build, said, tools)
    elif isinstance(said, GitSource):
        meta = build.meta("kernel", f"fetch {said.url}", said.url)
        state = checkout(build, said, meta)
        name, identity = "git", f"git {said.commit}" if said.commit else None
    elif isinstance(said, UrlSource):
        meta = build.meta("kernel", f"fetch {said.url}", said.url)
        archive = llb.http(
            said.url, checksum=f"sha256:{said.sha256}", filename="source.tar", meta=meta
        )
        state = _unpack(build, archive, "/source.tar", tools, said.url)
        name, identity = "archive", f"sha256 {said.sha256}"
    else:
        state, name, identity = _local(build, said, tools), "local", None
    return Tree(_prepare(build, kernel, state, tools, identity), name)


def _package(
    build: Build, said: PackageSource | None, tools: State
) -> tuple[State, str, str | None]:
    at = said.package if said is not None else build.plan.version
    if said is None:
        found: Series | None = series(build)
        assert found is not None
        package, version = found.package, found.version
    else:
        package, _, version = said.package.partition("=")
        found = versions().of_package(package)
        if found is not None and not version:
            version = found.version
    pinned = f"{package}={version}" if version else package
    arguments = ["/out", pinned]
    if found is not None and version == found.version:
        arguments += [found.archive, found.suite, found.snapshot]
    step = build.run(
        base(build),
        run_script("fetch.sh", *arguments),
        mounts=[
            script("frameworks.linux", "fetch.sh"),
            script("frameworks.linux", "apt.sh"),
            Mount.bind("/out", scratch()),
        ],
        network=True,
        meta=build.meta("kernel", f"fetch {pinned}", at),
    )
    state = _unpack(build, step.mount("/out"), "/source.tar", tools, at)
    return state, package, f"package {pinned}" if version else None


def _local(build: Build, said: LocalSource, tools: State) -> State:
    named = build.inputs.named(said.path, build.plan.platform)
    origin, path = (
        (build.inputs.context(said.path), str(said.path)) if named is None else (named.state, "/")
    )
    name = posixpath.basename(path)
    if name.endswith(_ARCHIVES) or ".tar." in name:
        return _unpack(build, origin, posixpath.join("/", path), tools, said.path)
    # A copy is known by its content, which directories of the client are not.
    meta = build.meta("kernel", f"copy {said.path}", said.path)
    return scratch().copy(origin, path, "/", contents_only=True, meta=meta)


def _unpack(build: Build, archive: State, path: str, tools: State, at: Text | None) -> State:
    """An archive's content without its top directory. tar sees by itself how it is compressed."""
    command = [
        "/bin/tar",
        "--extract",
        "--file=/archive",
        "--directory=/src",
        "--strip-components=1",
        "--no-same-owner",
    ]
    mounts = [
        Mount.bind("/archive", archive, path, readonly=True),
        Mount.bind("/src", scratch()),
    ]
    meta = build.meta("kernel", "unpack the source", at)
    return build.run(tools, command, mounts=mounts, meta=meta).mount("/src")


def _prepare(
    build: Build, kernel: Kernel, state: State, tools: State, identity: str | None
) -> State:
    patches = []
    for index, patch in enumerate(kernel.patches):
        file = build.inputs.context(patch)
        mount = Mount.bind(f"/patches/{index:03}", file, posixpath.join("/", patch), readonly=True)
        command = ["/usr/bin/patch", "--strip=1", "--directory=/src", f"--input={mount.dest}"]
        meta = build.meta("kernel", f"patch {patch}", patch)
        step = build.run(
            tools,
            [*command, "--batch", "--no-backup-if-mismatch"],
            mounts=[mount, Mount.bind("/src", state)],
            meta=meta,
        )
        state = step.mount("/src")
        patches.append(mount)
    step = build.run(
        tools,
        run_script("prepare.sh", identity or "", *(mount.dest for mount in patches)),
        mounts=[script("frameworks.linux", "prepare.sh"), *patches, Mount.bind("/src", state)],
        meta=build.meta("kernel", "prepare the source", kernel.at),
    )
    return step.mount("/src")
