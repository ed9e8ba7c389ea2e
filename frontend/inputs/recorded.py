"""What a build would ask for, noted while its graph is made: for `hutch lock`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from frameworks.base import Image
from frameworks.spec import Text
from frontend.inputs.offline import OfflineInputs
from llb import Platform, scratch
from llb.reference import context_name, context_names


class RecordedInputs(OfflineInputs):
    """Inputs without a daemon that keep the names of images and Dockerfiles, with their lines."""

    def __init__(self, worker: Platform, contexts: Collection[str]) -> None:
        """`contexts` are the names of build contexts, which stand in for images."""
        super().__init__(worker)
        self._contexts = context_names(contexts)
        self.images: dict[str, Text] = {}
        self.dockerfiles: dict[str, tuple[Text, Mapping[str, str]]] = {}

    def named(self, name: Text, platform: Platform, path: str = "/") -> Image | None:
        """A build context has nothing in it here."""
        return Image(scratch(), name) if context_name(name) in self._contexts else None

    def image(self, ref: Text, platform: Platform, others: Sequence[Platform] = ()) -> Image:
        """Note the image."""
        found = super().image(ref, platform, others)
        self.images.setdefault(str(ref), ref)
        return found

    def dockerfile(
        self, path: Text, target: Text | None, platform: Platform, args: Mapping[str, str]
    ) -> Image:
        """Note the Dockerfile, whose images only its text has."""
        self.dockerfiles[str(path)] = (path, args)
        return super().dockerfile(path, target, platform, args)
