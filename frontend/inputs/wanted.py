"""What a plan reads of the build context: each is there before a build's first step.

`docker build --check` and `hutch check` ask the same of the same paths; only where they look is
another thing: a context of the builder's, or a directory of this machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import frameworks
from frameworks.diagnostics import Collector
from frameworks.rootfs.detect import HEAD
from frameworks.spec import LocalSource
from llb.reference import context_names

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.rootfs.lookup import File
    from frameworks.spec import Text

FILE = "a file"
_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A path of the context; `file` asks for a regular file, not only for something.

    `root` says that the file is a whole root filesystem; `build_file` that it is found whatever
    `.dockerignore` says.
    """

    path: Text
    file: bool = False
    root: bool = False
    build_file: bool = False


class Context(Protocol):
    """Where a check looks for files."""

    def kind(self, wanted: Wanted) -> str:
        """What is at a path: "" for nothing, FILE, or in words ("a directory")."""

    def open(self, path: str) -> File:
        """A regular file, to read some of it."""


def of(plan: Plan, contexts: Iterable[str], target: str) -> Iterator[Wanted]:
    """What a target (of `frontend.targets`) of the plan reads of the build context.

    `contexts` are the names of named contexts, which stand in for local sources. A path with
    wildcards may match nothing: what it matches is the builder's to say.
    """
    kernel, app, rootfs = plan.kernel, plan.app, plan.rootfs
    named = context_names(contexts)
    found: list[Wanted] = []
    compiles = target in ("image", "kernel", "kernel-size")
    if kernel is not None and compiles:
        if kernel.from_ == "local" and kernel.path is not None:
            found.append(Wanted(kernel.path, file=True))
        config = kernel.config
        if config is not None and set(config) & set("./"):
            found.append(Wanted(config, file=True))
        found += [Wanted(path, file=True) for path in (*kernel.fragments, *kernel.patches)]
        if isinstance(kernel.source, LocalSource) and kernel.source.path not in named:
            found.append(Wanted(kernel.source.path))
    packs = target in ("image", "rootfs")
    built = target == "app" or (packs and app is not None and bool(app.artifacts))
    built = built or (compiles and frameworks.get(plan.framework).has_app_in_kernel(plan))
    if app is not None and built and app.from_ == "local" and app.path is not None:
        found.append(Wanted(app.path))
    if packs:
        if rootfs.from_ == "local" and rootfs.path is not None:
            found.append(Wanted(rootfs.path, file=True, root=True))
        if rootfs.from_ == "dockerfile" and rootfs.dockerfile is not None:
            found.append(Wanted(rootfs.dockerfile, file=True, build_file=True))
        found += [
            Wanted(include.source)
            for include in rootfs.include
            if include.from_ == "local" and not _WILD & set(include.source)
        ]
    return iter(dict.fromkeys(found))


def instead(kind: str, path: str, *, root: bool) -> str:
    """What to write where `path` is `kind` ("a directory") and a file is needed.

    `root` says that it was to be a whole root filesystem.
    """
    if root and kind == "a directory":
        return (
            f"for the directory's files write 'include: [\"{path}:/\"]', without 'from' and 'path'"
        )
    return "name the file itself"


def check(plan: Plan, wanted: Iterable[Wanted], context: Context) -> None:
    """Note what is not there, or is not what a build could use. Raises Problems."""
    from frontend import plan as plans
    from frontend.inputs.kernel import check_architecture

    problems = Collector(plan.file)
    for each in wanted:
        kind = context.kind(each)
        if not kind:
            problems.error(
                "no-such-file",
                f"there is no '{each.path}' in the build context",
                hint="paths are relative to the build context; .dockerignore may hide it",
                at=each.path.at,
            )
        elif each.file and kind != FILE:
            problems.error(
                "not-a-file",
                f"'{each.path}' in the build context is {kind}, and only a file can be used",
                hint=instead(kind, each.path, root=each.root),
                at=each.path.at,
            )
    problems.check()
    kernel, rootfs = plan.kernel, plan.rootfs
    if kernel is not None and kernel.from_ == "local" and kernel.path is not None:
        check_architecture(plan, context.open(kernel.path))
    if rootfs.from_ == "local" and rootfs.path is not None:
        plans.with_rootfs_type(plan, context.open(rootfs.path).read(0, HEAD))
