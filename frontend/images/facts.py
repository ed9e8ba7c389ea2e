"""What an image is, as data: what it tells the runtime, its kernel, its layers and files.

`hutch inspect` shows it, `hutch diff` compares two. Nothing of it is believed: a kernel's version
is what its file says.
"""

from __future__ import annotations

import hashlib
import posixpath
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

from frameworks import kernelfile
from frameworks.linux import built
from frameworks.runtime import RUNTIME
from frontend.images.layers import ImageFiles
from frontend.images.oci import StoredImage, decode

FILE = posixpath.basename(RUNTIME.file)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel's file: its path, size in bytes and form, and what it says of itself.

    `options` is the configuration that is in the file, None where it has none.
    """

    path: str
    size: int
    form: str
    architecture: str
    version: str = ""
    options: Mapping[str, str] | None = None

    @property
    def lacks_options(self) -> bool:
        """Whether it is a Linux, which alone says a version, without its configuration."""
        return bool(self.version) and self.options is None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer: its digest and media type, its size as it is kept, and how many files it has."""

    digest: str
    media_type: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class File:
    """A path of the image; `content` is the SHA-256 of a regular file, or a link's target."""

    kind: str
    mode: int
    owner: str
    size: int
    content: str


@dataclass(frozen=True, slots=True)
class Facts:
    """One platform's image.

    `keys` are the runtime's by short name, in each of the places that have any; `agree` says that
    the places say the same. `versions` are the runtime's that start it, () where it is an ordinary
    container to all of them.
    """

    digest: str
    platform: str
    keys: Mapping[str, Mapping[str, str]]
    annotations: Mapping[str, str]
    labels: Mapping[str, str]
    process: Mapping[str, Any]
    layers: tuple[Layer, ...]
    kernel: Kernel | None
    versions: tuple[str, ...]
    files: Mapping[str, File] = field(default_factory=dict)

    @property
    def agree(self) -> bool:
        """Whether every place that the runtime may read says the same."""
        return len({tuple(sorted(said.items())) for said in self.keys.values()}) == 1

    @property
    def told(self) -> Mapping[str, str]:
        """The keys that the runtime takes; empty where some that it needs are not there."""
        said = RUNTIME.effective(
            self.keys.get("annotations", {}),
            self.keys.get("labels", {}),
            self.keys.get(FILE, {}),
            version="",
        )
        return said if all(said.get(name) for name in RUNTIME.keys.needed) else {}

    @property
    def size(self) -> int:
        """The bytes of all layers, as they are kept."""
        return sum(layer.size for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """What a script may want to know, without each file."""
        kernel = self.kernel
        return {
            "digest": self.digest,
            "platform": self.platform,
            "size": self.size,
            "runtime": {
                "keys": {place: dict(said) for place, said in self.keys.items()},
                "agree": self.agree,
                "versions": list(self.versions),
            },
            "kernel": None
            if kernel is None
            else {
                "path": kernel.path,
                "size": kernel.size,
                "form": kernel.form,
                "architecture": kernel.architecture,
                "version": kernel.version or None,
                "options": None if kernel.options is None else dict(kernel.options),
            },
            "layers": [
                {
                    "digest": layer.digest,
                    "mediaType": layer.media_type,
                    "size": layer.size,
                    "files": layer.files,
                }
                for layer in self.layers
            ],
            "annotations": dict(self.annotations),
            "labels": dict(self.labels),
            "config": dict(self.process),
        }


def of(image: StoredImage, tree: ImageFiles, *, files: bool = False) -> Facts:
    """The facts of an image; with `files` each of its paths, too. Raises ImageError, LayerError."""
    raw = tree.read(RUNTIME.file)
    keys = {
        "annotations": RUNTIME.short(image.annotations),
        "labels": RUNTIME.short(image.labels),
        FILE: {} if raw is None else RUNTIME.short(decode(raw)),
    }
    counts = [0] * len(image.layers)
    for path in tree:
        counts[tree.layer(path)] += 1
    made = Facts(
        digest=image.digest,
        platform=str(image.platform),
        keys=keys,
        annotations=image.annotations,
        labels=image.labels,
        process=image.process,
        layers=tuple(
            Layer(each.digest, each.media_type, each.size, count)
            for each, count in zip(image.layers, counts, strict=True)
        ),
        kernel=None,
        versions=(),
        files=listed(tree) if files else {},
    )
    told = made.told
    if not told:
        return made
    names = RUNTIME.keys
    return replace(
        made,
        kernel=_kernel(tree, told[names.kernel]),
        versions=RUNTIME.starts(told[names.type], told[names.monitor]),
    )


def listed(tree: ImageFiles) -> dict[str, File]:
    """Every path of an image that is no directory."""
    found = {}
    for path in tree:
        info = tree.stat(path)
        if info.isdir():
            continue
        content = info.linkname if info.issym() else ""
        size = info.size
        if info.isfile() or info.islnk():
            digest = hashlib.sha256()
            size = 0
            for piece in tree.pieces(path):
                digest.update(piece)
                size += len(piece)
            content = digest.hexdigest()
        kind = "link" if info.issym() else "file" if info.isfile() or info.islnk() else "device"
        mode = stat.S_IMODE(info.mode)
        found[path] = File(kind, mode, f"{info.uid}:{info.gid}", size, content)
    return found


def _kernel(tree: ImageFiles, path: str) -> Kernel | None:
    """The kernel's file; None where the image has no such file."""
    if path not in tree or tree.stat(path).isdir():
        return None
    with tree.open(path) as file:
        known = kernelfile.identify(cast("BinaryIO", file))

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        said = built.scan(read)
        version = built.version(read) or said.version
        size = file.seek(0, 2)
    return Kernel(path, size, known.format, known.architecture, version, said.options)
