"""What a registry holds under a name: manifests, configs, annotations, and the files in the layers.

Reading only, and never trusting: each byte is checked against the digest that named it, each value
against its type, and whatever a registry says, reading it takes bounded time and memory and ends in
one line (`RegistryError`, `LayerError`). How it is spoken to: `transport`. A registry on
this machine is spoken to without TLS, as Docker does.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from frameworks.diagnostics import printable
from frameworks.runtime import RUNTIME
from frontend.images.transport import Response, Transport, TransportError
from llb import Platform, imageconfig, strictjson
from llb.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from frontend.images.layers import Tree

NEEDED = tuple(RUNTIME.prefix + name for name in RUNTIME.keys.needed)
"""Without these the runtime takes an image for an ordinary container's
(docs/contract/urunc.md 1.2)."""

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LARGEST_MANIFEST = 4 << 20
"""The most a registry has to take for a manifest (distribution-spec), in bytes."""
_LARGEST_CONFIG = 4 << 20
_LARGEST_BLOB = 16 << 30
_MOST_IMAGES = 100
"""As many different images of an index are read; the largest of Docker's own has twenty."""
_MOST_LAYERS = 512
_MOST_LOOKED_AT = 4 << 30
"""How many bytes of layers, unpacked, are looked through for one file."""
_SECONDS = 600
_SHOWN = 4096

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")


class RegistryError(OSError):
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
class Image:
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


class Repository:
    """Where a reference leads: one repository of one registry."""

    def __init__(self, ref: str, seconds: float = _SECONDS) -> None:
        """`seconds` is how long all reading may take. Raises RegistryError for no reference."""
        try:
            self.ref = Reference.parse(ref).tagged()
        except InvalidReference as error:
            raise RegistryError(str(error)) from None
        host = self.ref.domain
        host = "registry-1.docker.io" if host == "docker.io" else host
        self._transport = Transport(host, f"repository:{self.ref.path}:pull", seconds)
        self._trees: dict[str, Tree] = {}
        self._open = ExitStack()

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the temporary files that trees are read from."""
        self._open.close()

    def index(self) -> tuple[Descriptor, ...]:
        """The index that the reference names, attestations included; () for a single image."""
        return self._entries(_object(self._manifest(self.ref.digest or self.ref.tag)[1])) or ()

    def images(self) -> tuple[Image, ...]:
        """Every platform's image, in the order of the index, each once."""
        return self._images(None)

    def image(self, platform: Platform | None = None) -> Image:
        """The image for `platform`; without one, the first. Raises RegistryError for none."""
        for image in self._images(platform):
            if platform is None or image.platform == platform:
                return image
        there = ", ".join(str(image.platform) for image in self.images()) or "nothing"
        raise RegistryError(f"{self.ref} has no image for {platform}, but for {there}")

    def tree(self, image: Image) -> Tree:
        """The files of an image, as a container would see them; open until the repository is."""
        if image.digest not in self._trees:
            from frontend.images.layers import Tree

            files = [self._open.enter_context(self.blob(layer)) for layer in image.layers]
            kinds = [layer.media_type for layer in image.layers]
            self._trees[image.digest] = Tree(list(zip(kinds, files, strict=True)))
        return self._trees[image.digest]

    def find(self, image: Image, path: str) -> bytes | None:
        """A small file of an image, None where it has none; of no more layers than that takes."""
        from frontend.images.layers import find

        layers = ((each.media_type, partial(self.blob, each)) for each in reversed(image.layers))
        return find(layers, path, _MOST_LOOKED_AT)

    def blob(self, descriptor: Descriptor, most: int = _LARGEST_BLOB) -> IO[bytes]:
        """A blob as a temporary file that is open for reading; its digest and size are right."""
        if descriptor.size > most:
            raise RegistryError(f"{descriptor.digest} has {descriptor.size} bytes")
        hasher = _hasher(descriptor.digest)
        size = 0
        with ExitStack() as undo:
            response = undo.enter_context(self._get(f"blobs/{descriptor.digest}", {}))
            out = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=8 << 20))  # noqa: SIM115
            undo.callback(out.close)
            while piece := self._read(response, 1 << 20):
                size += len(piece)
                if size > descriptor.size:
                    break
                hasher.update(piece)
                out.write(piece)
            if size != descriptor.size:
                raise RegistryError(f"{descriptor.digest} has {size} bytes, not {descriptor.size}")
            _verify(descriptor.digest, hasher.hexdigest())
            out.seek(0)
            undo.pop_all()
            response.__exit__()
            return out

    def _images(self, platform: Platform | None) -> tuple[Image, ...]:
        """The images, or of an index those that it says are for `platform`."""
        digest, raw = self._manifest(self.ref.digest or self.ref.tag)
        entries = self._entries(_object(raw))
        if entries is None:
            return (self._image(digest, raw),)
        wanted = dict.fromkeys(
            each.digest
            for each in entries
            if each.platform is not None
            and each.platform.os != "unknown"
            and platform in (None, each.platform)
        )
        if len(wanted) > _MOST_IMAGES:
            raise RegistryError(f"{self.ref} is an index of {len(wanted)} images")
        return tuple(self._image(*self._manifest(each)) for each in wanted)

    def _entries(self, manifest: dict[str, Any]) -> tuple[Descriptor, ...] | None:
        """What an index names; None for what is none."""
        entries = manifest.get("manifests")
        if entries is None:
            return None
        if not isinstance(entries, list):
            raise RegistryError(f"{self.ref} is no index: its manifests are no list")
        return tuple(map(_descriptor, entries))

    def _image(self, digest: str, raw: bytes) -> Image:
        manifest = _object(raw)
        media_type = manifest.get("mediaType") or _MANIFESTS[0]
        if media_type not in _MANIFESTS or "config" not in manifest:
            raise RegistryError(f"{digest} is no image, but {str(media_type)[:_SHOWN]!r}")
        layers = manifest.get("layers")
        if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
            raise RegistryError(f"{digest} is no image: it has no list of layers")
        with self.blob(_descriptor(manifest["config"]), _LARGEST_CONFIG) as blob:
            config = blob.read()
        try:
            about = imageconfig.read(config)
        except ValueError as error:
            raise RegistryError(f"{digest} is no image: {error}") from None
        if about.platform is None:
            raise RegistryError(f"{digest} is no image: its config names no platform")
        return Image(
            digest=digest,
            media_type=media_type,
            platform=about.platform,
            annotations=_texts(manifest.get("annotations")),
            layers=tuple(map(_descriptor, layers)),
            config=config,
            raw=raw,
        )

    def _manifest(self, name: str) -> tuple[str, bytes]:
        """The digest and the bytes of the manifest or index that a tag or digest names."""
        accept = {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))}
        raw = bytearray()
        with self._get(f"manifests/{name}", accept) as response:
            while piece := self._read(response, 1 << 16):
                raw += piece
                if len(raw) > _LARGEST_MANIFEST:
                    raise RegistryError(f"the manifest of {self.ref} is larger than 4 MiB")
            digest = name if ":" in name else response.header("Docker-Content-Digest")
        if not digest:
            return "sha256:" + hashlib.sha256(raw).hexdigest(), bytes(raw)
        hasher = _hasher(digest)
        hasher.update(raw)
        _verify(digest, hasher.hexdigest())
        return digest, bytes(raw)

    def _get(self, path: str, headers: dict[str, str]) -> Response:
        try:
            response = self._transport.get(f"/v2/{self.ref.path}/{path}", headers)
        except TransportError as error:
            raise self._cannot(error) from None
        if response.status != 200:
            with response:
                known = {403: "access denied", 404: "not found"}
                said = known.get(response.status, f"HTTP status {response.status}")
                raise RegistryError(f"cannot read {self.ref}: {said} ({path})")
        return response

    def _read(self, response: Response, size: int) -> bytes:
        try:
            return response.read(size)
        except TransportError as error:
            raise self._cannot(error) from None

    def _cannot(self, error: TransportError) -> RegistryError:
        return RegistryError(f"cannot read {self.ref}: {error}")


def show(ref: str) -> int:
    """Print what each image of `ref` tells the runtime, and where; 1 where it would not take it.

    Raises RegistryError.
    """
    with Repository(ref) as repository:
        return _show(repository)


def _show(repository: Repository) -> int:
    status = 0
    for image in repository.images():
        size = sum(layer.size for layer in image.layers) / 1e6
        _say(f"{image.platform}  {image.digest}  {size:.1f} MB in {len(image.layers)} layers")
        raw = repository.find(image, RUNTIME.file)
        sources = {
            "annotations": {
                k: v for k, v in image.annotations.items() if k.startswith(RUNTIME.prefix)
            },
            "labels": {k: v for k, v in image.labels.items() if k.startswith(RUNTIME.prefix)},
            posixpath.basename(RUNTIME.file): {} if raw is None else decode(raw),
        }
        for key in sorted(set().union(*sources.values())):
            values = {name: said[key] for name, said in sources.items() if key in said}
            if len(set(values.values())) == 1 and len(values) == len(sources):
                _say(f"  {key} = {next(iter(values.values()))}")
                continue
            for name, value in values.items():
                _say(f"  {key} = {value}", f"  (only in {name})")
        args = [*(image.process.get("Entrypoint") or ()), *(image.process.get("Cmd") or ())]
        _say(f"  arguments: {json.dumps(args)}")
        said = next((s for s in sources.values() if all(key in s for key in NEEDED)), None)
        if said is None:
            ordinary = "takes this for an ordinary container: its keys are not all there"
            print(f"  {RUNTIME.name} {ordinary}")
            status = 1
    return status


def _ours(keys: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in keys.items() if key.startswith(RUNTIME.prefix)}


def _say(line: str, more: str = "") -> None:
    """Print what an image says: on one line of bounded length, and only to be read."""
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."
    print(printable(shown) + more)


def decode(data: bytes) -> dict[str, str]:
    """The keys of the runtime's file (`/urunc.json`) in an image. Raises RegistryError."""
    try:
        return RUNTIME.read(data)
    except ValueError as error:
        raise RegistryError(f"{RUNTIME.file} is not what {RUNTIME.name} reads: {error}") from None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = strictjson.loads(raw)
    except ValueError as error:
        raise RegistryError(f"the registry's manifest is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise RegistryError("the registry's manifest is not a JSON object")
    return value


def _descriptor(data: object) -> Descriptor:
    if not isinstance(data, dict):
        raise RegistryError("the registry's manifest has a descriptor that is none")
    digest, size, media_type = data.get("digest"), data.get("size"), data.get("mediaType", "")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise RegistryError(f"{str(digest)[:100]!r} is not a digest that can be checked")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise RegistryError(f"the registry gives no size of {digest}")
    if not isinstance(media_type, str):
        raise RegistryError(f"the registry gives no type of {digest}")
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
        raise RegistryError("the registry's index has a platform that is none")
    return found


def _hasher(digest: str) -> Any:
    if not _DIGEST.fullmatch(digest):
        raise RegistryError(f"{digest[:100]!r} is not a digest that can be checked")
    return hashlib.new(digest.partition(":")[0])


def _verify(digest: str, found: str) -> None:
    if digest.partition(":")[2] != found:
        raise RegistryError(f"the registry sent other bytes than those of {digest}")
