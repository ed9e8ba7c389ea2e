"""A build by buildx, with hutch's frontend: what is built, and by which words."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from frontend.cli import buildfile
from frontend.cli.buildfile import FRONTEND, LOCAL
from frontend.images import docker
from frontend.inputs import localfile

if TYPE_CHECKING:
    from frontend.images.oci import Images

_ARGUMENT = "BUILDKIT_SYNTAX"
"""The build argument by which BuildKit reads a file with another frontend than it names."""

_SYNTAX = re.compile(rb"(?:\xef\xbb\xbf)?(?:#!.*\n)?#\s*syntax\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be built: buildx's options, the build file (None: it is buildx's), the context."""

    options: tuple[str, ...]
    file: str | None
    context: str
    frontend: str | None = None
    enter: bool = False


def where(path: str | None, file: str | None) -> tuple[str | None, str]:
    """The build file and the build context of a command line. Raises OSError.

    A file is left to buildx (None) where the context is not a directory of this machine.
    """
    path = path or "."
    if file is not None or path == "-" or _is_remote(path):
        return file, path
    if os.path.isdir(path):
        return buildfile.within(path), path
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no '{path}'")
    return path, os.path.dirname(path) or "."


def words(request: Request, found: docker.Docker) -> list[str]:
    """The words after `docker` that build.

    To enter a step, `found` has to be `experimental`. Raises OSError where nobody says with which
    frontend, and where there is no debugger.
    """
    made = ["buildx", "build"]
    if request.enter:
        # A buildx that lacks it, or hides it, says what it has instead.
        if "--invoke" not in found.ask("buildx", "debug", "--help").stdout:
            raise OSError("this machine's buildx has no debugger (docker buildx debug)")
        made = ["buildx", "debug", "--on=error", "--invoke=/bin/sh", "build"]
        made += ["--build-arg", "HUTCH_ENTER=1"]
    if syntax := _frontend(request, found):
        made += ["--build-arg", f"{_ARGUMENT}={syntax}"]
    made += ["--file", request.file] if request.file is not None else []
    return [*made, *request.options, request.context]


@contextmanager
def built(request: Request, found: docker.Docker) -> Iterator[Images | None]:
    """Build an image for this machine to boot; None where the build failed. Raises OSError."""
    from frontend.images.find import Saved
    from frontend.images.layout import Layout

    made = words(request, found)
    with tempfile.TemporaryDirectory(prefix="hutch-build-") as directory:
        if found.exports_layouts(request.options):
            layout = Path(directory) / "image.tar"
            if found.run(*made[:-1], "--output", f"type=oci,dest={layout}", made[-1]) != 0:
                yield None
                return
            with Layout(str(layout)) as images:
                yield images
            return
        tag = docker.scratch_tag()
        if found.run(*made[:-1], "--load", "--tag", tag, made[-1]) != 0:
            yield None
            return
        try:
            with Saved(tag, found) as images:
                yield images
        finally:
            found.works("image", "rm", "--force", tag)


def _frontend(request: Request, found: docker.Docker) -> str:
    """The frontend to name; "" where the file or the user names one. Raises OSError."""
    if any(f"{_ARGUMENT}=" in word for word in request.options):
        return ""
    if named := request.frontend or os.environ.get(FRONTEND, ""):
        return named
    if request.file in (None, "-"):
        return ""  # only buildx reads it
    assert request.file is not None
    if _SYNTAX.match(localfile.read(request.file, 4096)):
        return ""
    if found.works("image", "inspect", LOCAL):
        if found.is_own(request.options):
            return LOCAL
        raise OSError(
            f"the builder has not Docker's images, and so not {LOCAL}: push hutch's image to a "
            f"registry that it reaches, and name it with --frontend or {FRONTEND}"
        )
    raise OSError(
        f"{request.file} has no `# syntax=` line: name hutch's image with --frontend or "
        f"{FRONTEND}, or make the one that is taken where nobody names any, by "
        f"`docker buildx build --load -t {LOCAL} .` in hutch's checkout"
    )


def _is_remote(path: str) -> bool:
    """Whether a build context is one that the builder fetches (Docker: build/context)."""
    return "://" in path or path.startswith(("git@", "github.com/"))
