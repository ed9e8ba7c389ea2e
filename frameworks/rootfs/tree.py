"""The tree of files that a root filesystem is made of: a base, and what is added to it.

The base is nothing, an image, a Dockerfile's result or a named build context. What is added are
files of `include`, the application, the working directory, the init: each a vertex of its own, so
that a missing file is reported at its own line. In the end it is one layer, however much it is, or
two: the files of `include` below the application, which changes more often.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from frameworks.base import Build, File, Image
from frameworks.process import Process
from frameworks.spec import Include, Rootfs, Text, is_url, url_file
from llb import FileAction, Mount, Range, State, copy, http, mkdir, scratch
from llb.fileop import Copy, Mkdir, Mkfile

_TREE = "/tree"
_OUT = "/out"
_BEFORE = "/before"
_MOST_VERTICES = 60


@dataclass(frozen=True, slots=True)
class Addition:
    """Something that is put into a tree: what it is, the line that asks for it, and how."""

    what: str
    at: Range | Text
    actions: Sequence[FileAction]

    @property
    def paths(self) -> Iterator[str]:
        """Where it may make an entry."""
        for action in self.actions:
            match action:
                case Copy(dst=path) | Mkfile(path=path) | Mkdir(path=path):
                    yield posixpath.normpath(posixpath.join("/", path))


def base(build: Build) -> Image:
    """What the tree starts from, with the config that comes with it."""
    plan = build.plan
    rootfs = plan.rootfs
    if rootfs.from_ == "scratch":
        return Image(scratch(), "")
    if rootfs.from_ == "local":
        meta = build.meta("rootfs", "copy the build context", rootfs.from_)
        files = scratch().copy(
            build.inputs.context("."),
            "/",
            "/",
            contents_only=True,
            timestamp=plan.timestamp,  # those of a checkout tell when it was made
            meta=meta,
        )
        return Image(files, "")
    if rootfs.from_ == "dockerfile":
        path = rootfs.dockerfile or Text("Dockerfile", rootfs.at)
        args = {**plan.args, **{str(name): str(value) for name, value in rootfs.args}}
        return build.inputs.dockerfile(path, rootfs.target, plan.platform, args)
    return source(build, rootfs.from_)


def source(build: Build, name: Text, path: str = "/") -> Image:
    """What a `from` names, for the guest: a named build context, or else an image."""
    return build.fetch(name, build.platform_of(name), path)


def included(build: Build) -> Iterator[Addition]:
    """The files of `include`."""
    for include in build.plan.rootfs.include:
        yield _include(build, include)


def artifacts(build: Build, app: File | None) -> Iterator[Addition]:
    """The application's artifacts."""
    if app is not None and build.plan.app is not None:
        for artifact in build.plan.app.artifacts:
            copied = copy(
                app.state,
                posixpath.join(app.path, artifact.source),
                artifact.destination,
                follow_symlink=True,
                wildcard=True,
                timestamp=build.plan.timestamp,
            )
            yield Addition(f"add {artifact.destination}", artifact.source, (copied,))


def workdir(build: Build, process: Process) -> Iterator[Addition]:
    """The working directory, as Docker makes that of a Dockerfile's WORKDIR."""
    plan = build.plan
    if not plan.compat and process.workdir.strip("/"):
        at = plan.settings.workdir or plan.rootfs.at
        made = mkdir(process.workdir, timestamp=plan.timestamp)
        yield Addition(f"make {process.workdir}", at, (made,))


def put(build: Build, tree: State, additions: Sequence[Addition]) -> State:
    """`tree` with the additions one after the other, before they become one layer.

    Not more vertices than an engine stacks layers; a file op with very many actions is one that
    BuildKit gives up on (seen with 150: "flightcontrol: exceeded retry timeout").
    """
    size = -(-len(additions) // _MOST_VERTICES) or 1
    for start in range(0, len(additions), size):
        group = additions[start : start + size]
        what = group[0].what + (f" and {len(group) - 1} more" if len(group) > 1 else "")
        meta = build.meta("rootfs", what, *(addition.at for addition in group))
        tree = tree.file(*(action for addition in group for action in addition.actions), meta=meta)
    return tree


def apply(
    build: Build,
    base: State,
    tree: State,
    additions: Iterable[Addition],
    process: Process,
    before: State | None = None,
) -> State:
    """`base` with what `tree` has more, where the additions put something: one layer.

    A new working directory belongs to the image's user: one that `before` lacks, where `base` has
    additions already, or else `base`.
    """
    paths = sorted({path for addition in additions for path in addition.paths})
    if not paths:
        return tree
    arguments = ["--tree", _TREE, "--output", _OUT, "--time", str(build.plan.timestamp)]
    directory = posixpath.normpath(posixpath.join("/", process.workdir))
    if directory in paths and process.user:
        arguments += ["--workdir", directory, "--user", process.user]
    mounts = [Mount.bind(_TREE, tree, readonly=True), Mount.bind(_OUT, base)]
    if before is not None:
        arguments += ["--before", _BEFORE]
        mounts.append(Mount.bind(_BEFORE, before, readonly=True))
    step = build.tool(
        "frameworks.steps.apply",
        [*arguments, "--", *paths],
        mounts=tuple(mounts),
        meta=build.meta("rootfs", "make one layer of what was added", build.plan.rootfs.at),
    )
    return step.mount(_OUT)


def _include(build: Build, include: Include) -> Addition:
    plan = build.plan
    local = include.from_ == "local"
    if local:
        origin = build.inputs.context(include.source)
    elif include.is_archive:
        assert include.sha256 is not None
        origin = archive(build, include.from_, include.sha256, "rootfs", include.at)
    else:
        origin = source(build, include.from_, include.source).state
    where = "" if local else f" from {include.from_}"
    actions: list[FileAction] = []
    folder = posixpath.dirname(posixpath.join("/", include.destination))
    if include.mode is not None and folder != "/":
        # A copy gives the directories that it makes above the file the file's mode.
        actions.append(mkdir(folder))
    actions.append(
        copy(
            origin,
            include.source,
            include.destination,
            owner=include.owner,
            mode=include.mode,
            contents_only=not plan.compat,
            follow_symlink=include.follow and not plan.compat,
            wildcard=not plan.compat,
            # Times of a checkout tell when it was made, those of an image are part of its content.
            timestamp=plan.timestamp if local else plan.epoch,
        )
    )
    return Addition(f"include {include.source}{where}", include.at, actions)


def archive(build: Build, url: Text, sha256: Text, step: str, at: Range) -> State:
    """The content of an archive; several includes of one archive are one vertex."""
    name = posixpath.basename(url) or "archive"
    fetched = http(
        url,
        checksum=f"sha256:{sha256}",
        filename="archive",
        meta=build.meta(step, f"fetch {url}", at),
    )
    return build.tool(
        "frameworks.steps.unpack",
        ["/in/archive", "/out"],
        mounts=(
            Mount.bind("/in", fetched, readonly=True),
            Mount.bind("/out", scratch()),
        ),
        meta=build.meta(step, f"unpack {name}", at),
    ).mount("/out")


def downloaded(build: Build, step: str, url: Text, path: Text, sha256: Text | None) -> File:
    """The file that a URL is, or with a `path` of the user's, that file of the archive there."""
    assert sha256 is not None
    if path != url_file(url) or path.at != url.at:
        return File(archive(build, url, sha256, step, url.at), path)
    meta = build.meta(step, f"fetch {url}", url)
    name = posixpath.basename(path)
    return File(http(url, checksum=f"sha256:{sha256}", filename=name, meta=meta), path)


def prebuilt(build: Build, rootfs: Rootfs, path: Text) -> File:
    """A root filesystem that is already one file: in the build context, in an image, or by URL."""
    if rootfs.from_ == "local":
        return File(build.inputs.context(path), path)
    if is_url(rootfs.from_):
        return downloaded(build, "rootfs", rootfs.from_, path, rootfs.sha256)
    return File(source(build, rootfs.from_, path).state, path)
