"""Where the image is that a user names: files, this machine's Docker, or a registry.

A path of a layout or an archive is that; a name is looked for as `docker run` does, first among the
images that Docker has, then in the registry.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import ExitStack
from typing import Literal

from frontend.images import docker
from frontend.images.layout import Layout, is_layout
from frontend.images.oci import ImageError, Images
from llb.reference import InvalidReference, Reference

Pull = Literal["missing", "always", "never"]
PULLS: tuple[Pull, ...] = ("missing", "always", "never")

BUILD_FILES = ("bunnyfile", "Dockerfile")
"""What a build file of a directory is called, the first that is there."""


def is_path(name: str) -> bool:
    """Whether what a user names is meant as a path, whether or not something is there.

    A word without a slash is a directory's only where that has something to read: a layout, or one
    of `BUILD_FILES`.
    """
    if name.startswith(("/", "./", "../", "~")) or name in (".", ".."):
        return True
    if not os.path.isdir(name):
        return os.path.exists(name)
    known = ("index.json", *BUILD_FILES)
    return any(os.path.lexists(os.path.join(name, each)) for each in known)


def images(name: str, pull: Pull = "missing") -> Images:
    """The image, or the images of several platforms, that `name` means.

    `pull` says when a registry is asked: where Docker has no such image, always, or never. Raises
    ImageError, OSError.
    """
    if is_path(name):
        path = os.path.expanduser(name)
        if is_layout(path):
            return Layout(path)
        if not os.path.exists(path):
            raise ImageError(f"there is no '{name}'")
        raise ImageError(f"'{name}' is no image: neither an OCI layout nor what Docker saves")
    try:
        ref = Reference.parse(name).tagged()
    except InvalidReference as error:
        raise ImageError(str(error)) from None
    why = ""
    if pull != "always":
        found, why = docker.holder(str(ref))
        if found is not None:
            try:
                return Saved(str(ref), found)
            except ImageError:
                if (still := docker.holder(str(ref)))[0] is not None:
                    raise  # and not removed since we looked
                why = still[1]
    if pull == "never":
        raise ImageError(f"cannot read {ref}: {why}, and no registry is to be asked")
    from frontend.images.registry import Repository

    return Repository(name, elsewhere=why)


class Saved(Layout):
    """An image of this machine's Docker, which saves it into a temporary file."""

    def __init__(self, ref: str, by: docker.Docker) -> None:
        """`by` is the Docker that has it. Raises ImageError."""
        with ExitStack() as undo:
            file = undo.enter_context(tempfile.NamedTemporaryFile(prefix="hutch-image-"))
            done = subprocess.run(
                by.command("image", "save", "--output", file.name, ref),
                env=by.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise ImageError(f"docker cannot save {ref}: {done.stderr.strip()}")
            # The archive stays readable through the open file, whatever happens to its name.
            super().__init__(file.name)
            self._open.push(undo.pop_all())
        self.name = ref
