"""Where a system's source tree comes from, as a state that holds it at its top.

A pinned default, a git repository, an archive by URL, or what is at hand: a directory or archive of
the build context, or a named build context.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from frameworks.base import Build
from frameworks.git import checkout
from frameworks.scripts import pinned, run_script, script
from frameworks.spec import GitSource, LocalSource, Text, UrlSource
from llb import Mount, State, http, scratch

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")


@dataclass(frozen=True, slots=True)
class Pin:
    """A version that hutch knows: a repository, a branch or tag, and the commit it has to be."""

    git: str
    ref: str
    commit: str


@dataclass(frozen=True, slots=True)
class Tree:
    """A source tree: its state, and a name that another source does not have.

    What is at hand is named by its place, so the content behind a name may change (`stale.sh`).
    """

    state: State
    key: str


def pins(package: str) -> tuple[str, dict[str, Pin]]:
    """The default version and all that `versions.toml` of `package` lists."""
    table = pinned(package)
    found = {
        name: Pin(entry["git"], entry.get("ref", ""), entry.get("commit", ""))
        for name, entry in table["versions"].items()
    }
    return str(table["default"]), found


def tree(build: Build, marker: str, tools: State) -> Tree:
    """The source tree that the plan names, or the framework's pinned default.

    `marker` is a file at a tree's top, by which the top of an archive is found; `tools` is the
    image that unpacks it.
    """
    kernel = build.plan.kernel
    said = kernel.source if kernel is not None else None
    at = kernel.from_ if kernel is not None else None
    if said is None:
        pinned_source = build.framework.default_source(build.plan)
        assert pinned_source is not None
        said = pinned_source[1]
        assert isinstance(said, GitSource)
        return _git(build, said, at)
    if isinstance(said, GitSource):
        return _git(build, said, said.url)
    if isinstance(said, UrlSource):
        key = f"sha256:{said.sha256}"
        name = said.url.rpartition("/")[2]
        meta = build.meta("kernel", f"fetch {said.url}", said.url)
        archive = http(said.url, checksum=key, filename=name, meta=meta)
        return _unpack(build, archive, name, marker, key, said.url, tools)
    if isinstance(said, LocalSource):
        named = build.inputs.named(said.path, build.plan.platform)
        if named is not None:
            return Tree(named.state, f"context:{said.path}")
        context = build.inputs.context(said.path)
        if said.path.endswith(ARCHIVES):
            key = f"local:{said.path}"
            return _unpack(build, context, said.path, marker, key, said.path, tools)
        meta = build.meta("kernel", f"take the source from {said.path}", said.path)
        state = scratch().copy(context, said.path, "/", contents_only=True, meta=meta)
        return Tree(state, f"local:{said.path}")
    raise AssertionError("a package source passed the plan's check")


def _git(build: Build, source: GitSource, at: Text | None) -> Tree:
    name = source.ref or source.commit or ""
    meta = build.meta("kernel", f"fetch {source.url} {name}".rstrip(), at)
    return Tree(checkout(build, source, meta), f"git:{source.url}#{source.commit or name}")


def _unpack(
    build: Build, archive: State, path: str, marker: str, key: str, at: Text, tools: State
) -> Tree:
    step = build.run(
        tools,
        run_script("unpack.sh", "/archive", "/out", marker),
        mounts=(
            script("frameworks.bsd", "unpack.sh"),
            Mount.bind("/archive", archive, posixpath.join("/", path), readonly=True),
            Mount.bind("/out", scratch()),
        ),
        meta=build.meta("kernel", f"unpack {posixpath.basename(path)}", at),
    )
    return Tree(step.mount("/out"), key)
