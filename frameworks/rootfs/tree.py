"""The tree of files that a root filesystem is made of: a base, what is included, the application.

The base is nothing, an image, a Dockerfile's result or a named build context. Each `include` is a
vertex of its own, so that a missing file is reported at its own line.
"""

from __future__ import annotations

import posixpath

from frameworks.base import Build, File, Image
from frameworks.spec import Include, Rootfs, Text
from llb import Mount, State, http, scratch


def base(build: Build) -> Image:
    """What the tree starts from, with the config that comes with it."""
    plan = build.plan
    rootfs = plan.rootfs
    if rootfs.from_ == "scratch":
        return Image(scratch(), "")
    if rootfs.from_ == "dockerfile":
        path = rootfs.dockerfile or Text("Dockerfile", rootfs.at)
        return build.inputs.dockerfile(path, rootfs.target or "", plan.platform)
    return source(build, rootfs.from_)


def source(build: Build, name: Text, path: str = "/") -> Image:
    """What a `from` names, for the guest: a named build context, or else an image."""
    return build.fetch(name, build.platform_of(name), path)


def fill(build: Build, tree: State, app: File | None) -> State:
    """The tree with everything the plan adds to its base."""
    for include in build.plan.rootfs.include:
        tree = _include(build, tree, include)
    if app is not None and build.plan.app is not None:
        for artifact in build.plan.app.artifacts:
            tree = tree.copy(
                app.state,
                posixpath.join(app.path, artifact.source),
                artifact.destination,
                create_dest_path=True,
                follow_symlink=True,
                timestamp=build.plan.timestamp,
                meta=build.meta("rootfs", f"add {artifact.destination}", artifact.source),
            )
    return tree


def _include(build: Build, tree: State, include: Include) -> State:
    plan = build.plan
    local = include.from_ == "local"
    if local:
        origin = build.inputs.context(include.source)
    elif include.is_archive:
        origin = _archive(build, include)
    else:
        origin = source(build, include.from_, include.source).state
    where = "" if local else f" from {include.from_}"
    return tree.copy(
        origin,
        include.source,
        include.destination,
        owner=include.owner,
        mode=include.mode,
        create_dest_path=True,
        contents_only=not plan.compat,
        wildcard=not plan.compat,
        # The times of a checkout tell when it was made, those of an image are part of its content.
        timestamp=plan.timestamp if local else plan.epoch,
        meta=build.meta("rootfs", f"include {include.source}{where}", include.at),
    )


def _archive(build: Build, include: Include) -> State:
    """The content of an archive; several includes of one archive are one vertex."""
    name = posixpath.basename(include.from_) or "archive"
    fetched = http(
        include.from_,
        checksum=f"sha256:{include.sha256}",
        filename="archive",
        meta=build.meta("rootfs", f"fetch {include.from_}", include.at),
    )
    step = build.tool(
        "frameworks.rootfs.unpack",
        ["/in/archive", "/out"],
        mounts=(
            Mount.bind("/in", fetched, readonly=True),
            Mount.bind("/out", scratch()),
        ),
        meta=build.meta("rootfs", f"unpack {name}", include.at),
    )
    return step.mount("/out")


def prebuilt(build: Build, rootfs: Rootfs, path: Text) -> File:
    """A root filesystem that is already one file, in the build context or in an image."""
    if rootfs.from_ == "local":
        return File(build.inputs.context(path), path)
    return File(source(build, rootfs.from_, path).state, path)
