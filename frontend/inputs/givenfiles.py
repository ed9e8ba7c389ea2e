"""Files that a build file names: each is there, and is a regular file, before anything reads it.

Whoever opens a FIFO waits for somebody to write into it, and a device gives what it likes: a step
would hang in one for ever, and a copy would put it into the image.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from frameworks.base import File
from frameworks.diagnostics import Collector, Problems, problem
from frameworks.runtime import RUNTIME
from frameworks.spec import Text
from frontend.gateway.errors import GatewayError, NotAFile
from frontend.inputs.wanted import instead

if TYPE_CHECKING:
    from collections.abc import Callable

    from frameworks.lower import Lowering
    from frontend.gateway.client import Client, Ref


@dataclass(frozen=True, slots=True)
class Given:
    """A file that the build file names at `path`; `origin` is its `from` ("local": the context)."""

    path: Text
    origin: str
    file: File


def of(lowering: Lowering, target: str) -> Iterator[Given]:
    """The files of which a target (of `frontend.targets`) is made, as they are where they lie."""
    plan, inputs = lowering.plan, lowering.build.inputs
    kernel, rootfs = plan.kernel, plan.rootfs
    if target in ("image", "kernel") and kernel is not None:
        if kernel.from_ != "source":
            assert kernel.path is not None
            assert lowering.kernel is not None
            yield Given(kernel.path, str(kernel.from_), lowering.kernel)
        else:
            config = kernel.config
            named = config is not None and ("/" in config or "." in config)
            for path in (*([config] if config and named else ()), *kernel.fragments):
                yield Given(path, "local", File(inputs.context(path), path))
            for path in kernel.patches:
                yield Given(path, "local", File(inputs.context(path), path))
    tree = lowering.rootfs.tree if target == "image" and plan.keys else None
    for key in RUNTIME.keys.files:
        path = plan.keys.get(key)
        if tree is not None and isinstance(path, Text):  # a label of a Dockerfile says so
            yield Given(path, "the image", File(tree, path))
    if target in ("image", "rootfs") and rootfs.path is not None:
        file = lowering.rootfs.file
        assert file is not None
        yield Given(rootfs.path, str(rootfs.from_), file)


def check(given: Iterator[Given], client: Client, solve: Callable[[File], Ref]) -> None:
    """Look at each file; `solve` gives the result that it is in.

    Raises Problems, each at its line, and GatewayError where a step that makes one fails.
    """
    problems = Collector()
    for each in given:
        try:
            client.open_file(solve(each.file), posixpath.join("/", each.file.path))
        except GatewayError as error:
            problems.take(fault(error, each.path, each.origin))
    problems.check()


def fault(error: GatewayError, path: Text, origin: str, *, root: bool = False) -> Problems:
    """The user's error behind the daemon's, which has the daemon's own paths in it.

    `root` says that the file was to be a whole root filesystem.
    Raises the daemon's where it is of a step that makes the file, which knows its own lines.
    """
    if origin != "local" and (error.is_placed or not error.is_missing_file):
        raise error
    where = "the build context" if origin == "local" else origin
    if isinstance(error, NotAFile):
        return problem(
            "not-a-file",
            f"'{path}' in {where} is {error.kind}, and only a file can be used",
            hint=instead(error.kind, path, root=root),
            at=path.at,
        )
    hint = "paths start at the image's root"
    if origin == "local":
        hint = "paths are relative to the build context; .dockerignore may hide it"
    if not error.is_missing_file:
        return problem("no-such-file", f"'{path}' in {where} cannot be read", hint=hint, at=path.at)
    return problem("no-such-file", f"there is no '{path}' in {where}", hint=hint, at=path.at)
