"""An image in the OCI's terms, wherever it is kept: index, manifests, configs, layers.

`Images` is a place that holds what one reference names: a registry's repository (`registry`), or
files on this machine (`layout`). Reading only, and never trusting: each byte is checked against the
digest that named it, each value against its type, and whatever the place says, reading it takes
bounded time and memory and ends in one line (`ImageError`, `LayerError`).
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from frameworks.runtime import RUNTIME
from llb import Platform, imageconfig, strictjson
from llb.masked import printable

if TYPE_CHECKING:
    from frontend.images.layers import ImageFiles

NEEDED = tuple(RUNTIME.prefix + name for name in RUNTIME.keys.needed)
"""Without these the runtime takes an image for an ordinary container's
(docs/contract/urunc.md 1.2)."""

INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
LARGEST_MANIFEST = 4 << 20
"""The most a registry has to take for a manifest (distribution-spec), in bytes."""
_LARGEST_CONFIG = 4 << 20
LARGEST_BLOB = 16 << 30
_MOST_IMAGES = 100
"""As many different images of an index are read; the largest of Docker's own has twenty."""
_MOST_LAYERS = 512
_MOST_LOOKED_AT = 4 << 30
"""How many bytes of layers, unpacked, are looked through for one file."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


class ImageError(OSError):
    """Why an image cannot be read, in one line for the user."""

    def __init__(self, why: str) -> None:
        super().__init__(printable(why))  # what a registry says is in it


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What names a blob: media type, digest, size in bytes; in an index also a platform."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One platform's image: its manifest's annotations, its config, and what its layers are.

    `raw` is the manifest and `config` the image config, both as the JSON that the registry holds.
    """

    digest: str
    media_type: str
    platform: Platform
    annotations: Mapping[str, str]
    layers: tuple[Descriptor, ...]
    config: bytes
    raw: bytes

    @property
    def process(self) -> dict[str, Any]:
        """The `config` object of the image config: Env, Cmd, Labels and their kin."""
        return dict(imageconfig.parse(self.config).get("config") or {})

    @property
    def labels(self) -> dict[str, str]:
        """The config's labels."""
        return dict(self.process.get("Labels") or {})


class Images(ABC):
    """What one reference names: an image, or an index of one for each platform.

    `name` is what messages call it.
    """

    name: str

    def __init__(self) -> None:
        self._trees: dict[str, ImageFiles] = {}
        self._open = ExitStack()

    def __enter__(self) -> Images:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the temporary files that trees are read from."""
        self._open.close()

    @abstractmethod
    def manifest(self, digest: str = "") -> tuple[str, bytes]:
        """The digest and the bytes of a manifest or index; without a digest, of the one named."""

    @abstractmethod
    def blob(self, descriptor: Descriptor, most: int = LARGEST_BLOB) -> IO[bytes]:
        """A blob, open for reading; its digest and size are right. Raises ImageError."""

    def has(self, digest: str) -> bool:
        """Whether a manifest of an index is there: a place may have some platforms only."""
        return True

    def index(self) -> tuple[Descriptor, ...]:
        """The index that the reference names, attestations included; () for a single image."""
        return self._entries(parsed(self.manifest()[1])) or ()

    def images(self) -> tuple[StoredImage, ...]:
        """Every platform's image, in the order of the index, each once."""
        return self._images(None)

    def image(self, platform: Platform | None = None) -> StoredImage:
        """The image for `platform`; without one, the first. Raises ImageError for none."""
        for image in self._images(platform):
            if platform is None or image.platform == platform:
                return image
        there = ", ".join(str(image.platform) for image in self.images()) or "nothing"
        raise ImageError(f"{self.name} has no image for {platform}, but for {there}")

    def tree(self, image: StoredImage) -> ImageFiles:
        """The files of an image, as a container would see them; open until the repository is."""
        if image.digest not in self._trees:
            from frontend.images.layers import ImageFiles

            files = [self._open.enter_context(self.blob(layer)) for layer in image.layers]
            kinds = [layer.media_type for layer in image.layers]
            self._trees[image.digest] = ImageFiles(list(zip(kinds, files, strict=True)))
        return self._trees[image.digest]

    def find(self, image: StoredImage, path: str) -> bytes | None:
        """A small file of an image, None where it has none; of no more layers than that takes."""
        from frontend.images.layers import find

        layers = ((each.media_type, partial(self.blob, each)) for each in reversed(image.layers))
        return find(layers, path, _MOST_LOOKED_AT)

    def _images(self, platform: Platform | None) -> tuple[StoredImage, ...]:
        """The images, or of an index those that it says are for `platform`."""
        digest, raw = self.manifest()
        entries = self._entries(parsed(raw))
        if entries is None:
            return (self._image(digest, raw),)
        wanted = dict.fromkeys(
            each.digest
            for each in entries
            if each.platform is not None
            and each.platform.os != "unknown"
            and self.has(each.digest)
            and platform in (None, each.platform)
        )
        if len(wanted) > _MOST_IMAGES:
            raise ImageError(f"{self.name} is an index of {len(wanted)} images")
        return tuple(self._image(*self.manifest(each)) for each in wanted)

    def _entries(self, manifest: dict[str, Any]) -> tuple[Descriptor, ...] | None:
        """What an index names; None for what is none."""
        entries = manifest.get("manifests")
        if entries is None:
            return None
        if not isinstance(entries, list):
            raise ImageError(f"{self.name} is no index: its manifests are no list")
        return tuple(map(descriptor, entries))

    def _image(self, digest: str, raw: bytes) -> StoredImage:
        manifest = parsed(raw)
        media_type = manifest.get("mediaType") or MANIFESTS[0]
        if media_type not in MANIFESTS or "config" not in manifest:
            raise ImageError(f"{digest} is no image, but {str(media_type)[:100]!r}")
        layers = manifest.get("layers")
        if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
            raise ImageError(f"{digest} is no image: it has no list of layers")
        with self.blob(descriptor(manifest["config"]), _LARGEST_CONFIG) as blob:
            config = blob.read()
        try:
            about = imageconfig.read(config)
        except ValueError as error:
            raise ImageError(f"{digest} is no image: {error}") from None
        if about.platform is None:
            raise ImageError(f"{digest} is no image: its config names no platform")
        return StoredImage(
            digest=digest,
            media_type=media_type,
            platform=about.platform,
            annotations=_texts(manifest.get("annotations")),
            layers=tuple(map(descriptor, layers)),
            config=config,
            raw=raw,
        )


def decode(data: bytes) -> dict[str, str]:
    """The keys of the runtime's file (`/urunc.json`) in an image. Raises ImageError."""
    try:
        return RUNTIME.read(data)
    except ValueError as error:
        raise ImageError(f"{RUNTIME.file} is not what {RUNTIME.name} reads: {error}") from None


def parsed(raw: bytes) -> dict[str, Any]:
    """A manifest or an index as JSON. Raises ImageError."""
    try:
        value = strictjson.loads(raw)
    except ValueError as error:
        raise ImageError(f"the manifest is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ImageError("the manifest is not a JSON object")
    return value


def descriptor(data: object) -> Descriptor:
    """What a manifest or an index says in one of its descriptors. Raises ImageError."""
    if not isinstance(data, dict):
        raise ImageError("the manifest has a descriptor that is none")
    digest, size, media_type = data.get("digest"), data.get("size"), data.get("mediaType", "")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ImageError(f"{str(digest)[:100]!r} is not a digest that can be checked")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ImageError(f"the manifest gives no size of {digest}")
    if not isinstance(media_type, str):
        raise ImageError(f"the manifest gives no type of {digest}")
    platform = data.get("platform")
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        platform=None if platform is None else _platform(platform),
        annotations=_texts(data.get("annotations")),
    )


def _texts(data: object) -> dict[str, str]:
    """Annotations, of which other values than texts are left out."""
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, str)}


def _platform(data: object) -> Platform:
    try:
        found = imageconfig.read(json.dumps(data).encode()).platform
    except ValueError:
        found = None
    if found is None:
        raise ImageError("the index has a platform that is none")
    return found


def hasher(digest: str) -> Any:
    """What makes the hash of a digest's algorithm. Raises ImageError for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ImageError(f"{digest[:100]!r} is not a digest that can be checked")
    return hashlib.new(digest.partition(":")[0])


def verify(digest: str, found: str) -> None:
    """Raise ImageError where `found`, a hash in hexadecimal digits, is not the digest's."""
    if digest.partition(":")[2] != found:
        raise ImageError(f"what was read are other bytes than those of {digest}")
