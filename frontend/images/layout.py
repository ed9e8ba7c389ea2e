"""An image in files of this machine: an OCI layout, or what `docker image save` writes.

    Layout("out/")         a directory with `index.json` and `blobs/` (image-spec, image-layout.md)
    Layout("image.tar")    the same as an archive, or the older one with `manifest.json` alone

Docker writes both forms into one archive since 25.0, and the older one before (moby:
image/tarexport/save.go). What the older one lacks, a manifest, is made here of its config.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from frontend.images.oci import (
    INDEXES,
    LARGEST_BLOB,
    LARGEST_MANIFEST,
    MANIFESTS,
    Descriptor,
    ImageError,
    Images,
    hasher,
    verify,
)
from frontend.inputs import localfile
from llb import strictjson
from llb.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECE = 1 << 20
_UNPACKED = "application/vnd.docker.image.rootfs.diff.tar"
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
"""Annotations of an entry of `index.json` that say what it is called (containerd, image-spec)."""


def is_layout(path: str) -> bool:
    """Whether a path is of a directory or an archive that a Layout can be made of."""
    if os.path.isdir(path):
        return os.path.isfile(os.path.join(path, "index.json"))
    try:
        return b"ustar" in localfile.read(path, 512)[257:]
    except OSError:
        return False


class Layout(Images):
    """A layout in a directory, or an archive."""

    def __init__(self, path: str, ref: str = "") -> None:
        """`ref` chooses among several images. Raises ImageError, OSError."""
        super().__init__()
        self.name = path
        self._path = path
        self._archive: tarfile.TarFile | None = None
        self._places: dict[str, str] = {}
        """Where a blob of the older form is, by digest."""
        self._made: dict[str, bytes] = {}
        """Manifests that were made here."""
        if not os.path.isdir(path):
            self._archive = self._unpacked()
        try:
            self._head = self._choose(ref)
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Layout:
        return self

    def manifest(self, digest: str = "") -> tuple[str, bytes]:
        """The digest and the bytes of a manifest or index; without a digest, of the one named."""
        digest = digest or self._head
        if digest in self._made:
            return digest, self._made[digest]
        hash = hasher(digest)
        with self._file(self._place(digest)) as file:
            raw = file.read(LARGEST_MANIFEST + 1)
        if len(raw) > LARGEST_MANIFEST:
            raise ImageError(f"the manifest {digest} is larger than 4 MiB")
        hash.update(raw)
        verify(digest, hash.hexdigest())
        return digest, raw

    def has(self, digest: str) -> bool:
        """Whether a manifest of an index is there: Docker saves the platforms that it has."""
        if digest in self._made:
            return True
        place = self._place(digest)
        if self._archive is not None:
            return place in self._archive.getnames()
        return os.path.isfile(os.path.join(self._path, place))

    def blob(self, descriptor: Descriptor, most: int = LARGEST_BLOB) -> IO[bytes]:
        """A blob, open for reading; its digest and size are right. Raises ImageError."""
        if descriptor.size > most:
            raise ImageError(f"{descriptor.digest} has {descriptor.size} bytes")
        hash = hasher(descriptor.digest)
        file = self._opened(self._place(descriptor.digest))
        try:
            size = 0
            while piece := file.read(_PIECE):
                size += len(piece)
                hash.update(piece)
            if size != descriptor.size:
                raise ImageError(f"{descriptor.digest} has {size} bytes, not {descriptor.size}")
            verify(descriptor.digest, hash.hexdigest())
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    # --- which image ---

    def _choose(self, ref: str) -> str:
        """The digest of the image, or of the index of images, that is asked for."""
        raw = self._small("index.json")
        if raw is None:
            return self._older(ref)
        try:
            entries = [dict(entry) for entry in strictjson.loads(raw)["manifests"]]
            found = {str(entry["digest"]): _names(entry) for entry in entries}
        except (ValueError, TypeError, KeyError) as error:
            raise ImageError(f"{self._path}: index.json is no index of images: {error}") from None
        if ref:
            found = {digest: names for digest, names in found.items() if _means(ref, names)}
        if len(found) == 1:
            return next(iter(found))
        if not ref and found and all("platform" in entry for entry in entries):
            digest = "sha256:" + hashlib.sha256(raw).hexdigest()
            self._made[digest] = raw
            return digest
        there = ", ".join(sorted(set().union(*found.values()))) or f"{len(found)} without a name"
        raise ImageError(f"{self._path} has no image {ref}" if ref else f"{self._path} has {there}")

    def _older(self, ref: str) -> str:
        """The image of `manifest.json`, which names a config and the archives of the layers."""
        raw = self._small("manifest.json")
        if raw is None:
            raise ImageError(f"{self._path} is no image: it has neither index.json nor a manifest")
        try:
            entries = strictjson.loads(raw)
            if ref:
                entries = [e for e in entries if _means(ref, set(e.get("RepoTags") or ()))]
            (entry,) = entries
            config = self._small(str(entry["Config"]))
            diffs = strictjson.loads(config or b"{}")["rootfs"]["diff_ids"]
            layers = list(zip(map(str, diffs), map(str, entry["Layers"]), strict=True))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ImageError(f"{self._path} has not one image{_called(ref)}: {error}") from None
        named = "sha256:" + hashlib.sha256(config or b"").hexdigest()
        self._places = {named: str(entry["Config"]), **dict(layers)}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFESTS[0],
            "config": {"mediaType": "", "digest": named, "size": len(config or b"")},
            "layers": [
                {"mediaType": _UNPACKED, "digest": digest, "size": self._size(place)}
                for digest, place in layers
            ],
        }
        made = json.dumps(manifest).encode()
        digest = "sha256:" + hashlib.sha256(made).hexdigest()
        self._made[digest] = made
        return digest

    # --- files ---

    def _unpacked(self) -> tarfile.TarFile:
        try:
            return self._open.enter_context(tarfile.open(self._path, mode="r:"))
        except tarfile.TarError as error:
            raise ImageError(f"{self._path} is no archive of an image: {error}") from None

    def _place(self, digest: str) -> str:
        hasher(digest)  # which also says that it is a digest, and not a path
        return self._places.get(digest) or "blobs/" + digest.replace(":", "/")

    def _small(self, name: str) -> bytes | None:
        try:
            with self._file(name) as file:
                return file.read(LARGEST_MANIFEST)
        except ImageError:
            return None

    def _size(self, name: str) -> int:
        with self._file(name) as file:
            return file.seek(0, os.SEEK_END)

    @contextmanager
    def _file(self, name: str) -> Iterator[IO[bytes]]:
        with self._opened(name) as file:
            yield file

    def _opened(self, name: str) -> IO[bytes]:
        """A file of the layout. Raises ImageError where there is none."""
        try:
            if self._archive is None:
                return open(os.path.join(self._path, name), "rb")
            found = self._archive.extractfile(name)
        except (OSError, KeyError, tarfile.TarError):
            found = None
        if found is None:
            raise ImageError(f"{self._path} has no {name}")
        return found


def _names(entry: dict[str, object]) -> set[str]:
    """What an entry of `index.json` is called."""
    hasher(str(entry["digest"]))
    if entry.get("mediaType") not in (*INDEXES, *MANIFESTS):
        return set()
    said = entry.get("annotations")
    said = said if isinstance(said, dict) else {}
    return {str(said[key]) for key in _NAMES if said.get(key)}


def _means(ref: str, names: set[str]) -> bool:
    """Whether one of an image's names is the one that was asked for, in full or a tag alone."""
    return ref in names or bool({_full(name) for name in names} & {_full(ref)} - {""})


def _full(name: str) -> str:
    try:
        return str(Reference.parse(name).tagged())
    except InvalidReference:
        return ""


def _called(ref: str) -> str:
    return f" called {ref}" if ref else ""
