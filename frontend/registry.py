"""What a registry holds under a name: manifests, configs, annotations, and the files in the layers.

Reading only, and never trusting: each byte is checked against the digest that named it. The
transport (tokens, credential helpers of Docker's own configuration) is oras's, the optional extra
`registry`; everything above it is here, because oras reads whole blobs into memory, checks no
digest and knows no platforms (anchors.md, section 4). A registry on this machine is spoken to
without TLS, as Docker does.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from frontend.image import URUNC_JSON
from frontend.urunc import PREFIX
from llb import Platform
from llb.reference import InvalidReference, Reference

if TYPE_CHECKING:
    from frontend.layers import Tree

NEEDED = (PREFIX + "unikernelType", PREFIX + "hypervisor", PREFIX + "binary")
"""Without these three urunc takes an image for an ordinary container's (urunc.md 1.2)."""

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_LARGEST_MANIFEST = 4 << 20
"""The most a registry has to take for a manifest (distribution-spec), in bytes."""


class RegistryError(OSError):
    """Why an image cannot be read, in one line for the user."""


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
        found = json.loads(self.config).get("config") or {}
        return dict(found)

    @property
    def labels(self) -> dict[str, str]:
        """The config's labels."""
        return dict(self.process.get("Labels") or {})


class _Response(Protocol):
    """As much of requests' responses as is used here."""

    status_code: int
    headers: Mapping[str, str]

    def iter_content(self, chunk_size: int) -> Iterator[bytes]: ...
    def close(self) -> None: ...


class Repository:
    """Where a reference leads: one repository of one registry."""

    def __init__(self, ref: str) -> None:
        """Raises RegistryError where `ref` is no image reference, or oras is not installed."""
        try:
            self.ref = Reference.parse(ref).tagged()
        except InvalidReference as error:
            raise RegistryError(str(error)) from None
        host = self.ref.domain
        self._host = "registry-1.docker.io" if host == "docker.io" else host
        name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
        self._scheme = "http" if name in _LOOPBACK else "https"
        self._registry = _connect(self._host, str(self.ref), loopback=self._scheme == "http")
        self._trees: dict[str, Tree] = {}
        self._open = ExitStack()

    def __enter__(self) -> Repository:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections, and the temporary files that trees are read from."""
        self._open.close()
        self._registry.session.close()

    def index(self) -> tuple[Descriptor, ...]:
        """The index that the reference names, attestations included; () for a single image."""
        manifest = json.loads(self._manifest(self.ref.digest or self.ref.tag)[1])
        return tuple(map(_descriptor, manifest.get("manifests") or ()))

    def images(self) -> tuple[Image, ...]:
        """Every platform's image, in the order of the index."""
        digest, raw = self._manifest(self.ref.digest or self.ref.tag)
        manifest = json.loads(raw)
        if manifest.get("manifests") is None:
            return (self._image(digest, raw),)
        return tuple(
            self._image(*self._manifest(each.digest))
            for each in map(_descriptor, manifest["manifests"])
            if each.platform is not None and each.platform.os != "unknown"
        )

    def image(self, platform: Platform | None = None) -> Image:
        """The image for `platform`; without one, the first. Raises RegistryError for none."""
        found = self.images()
        for image in found:
            if platform is None or image.platform == platform:
                return image
        there = ", ".join(str(image.platform) for image in found) or "nothing"
        raise RegistryError(f"{self.ref} has no image for {platform}, but for {there}")

    def tree(self, image: Image) -> Tree:
        """The files of an image, as a container would see them; open until the repository is."""
        if image.digest not in self._trees:
            from frontend.layers import Tree

            files = [self._open.enter_context(self.blob(layer)) for layer in image.layers]
            kinds = [layer.media_type for layer in image.layers]
            self._trees[image.digest] = Tree(list(zip(kinds, files, strict=True)))
        return self._trees[image.digest]

    def blob(self, descriptor: Descriptor) -> IO[bytes]:
        """A blob as a temporary file that is open for reading; its digest and size are right."""
        response = self._get(f"blobs/{descriptor.digest}", {})
        hasher = _hasher(descriptor.digest)
        size = 0
        with ExitStack() as undo:
            undo.callback(response.close)
            out = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=8 << 20))  # noqa: SIM115
            undo.callback(out.close)
            for piece in response.iter_content(1 << 20):
                size += len(piece)
                if size > descriptor.size:
                    break
                hasher.update(piece)
                out.write(piece)
            _verify(descriptor.digest, hasher.hexdigest())
            if size != descriptor.size:
                raise RegistryError(f"{descriptor.digest} has {size} bytes, not {descriptor.size}")
            out.seek(0)
            undo.pop_all()
            response.close()
            return out

    def _image(self, digest: str, raw: bytes) -> Image:
        manifest = json.loads(raw)
        media_type = manifest.get("mediaType") or _MANIFESTS[0]
        if media_type not in _MANIFESTS or "config" not in manifest:
            raise RegistryError(f"{digest} is no image, but {media_type}")
        with self.blob(_descriptor(manifest["config"])) as blob:
            config = blob.read()
        about = json.loads(config)
        if "os" not in about:
            raise RegistryError(f"{digest} is no image: its config names no platform")
        return Image(
            digest=digest,
            media_type=media_type,
            platform=_platform(about),
            annotations=manifest.get("annotations") or {},
            layers=tuple(map(_descriptor, manifest["layers"])),
            config=config,
            raw=raw,
        )

    def _manifest(self, name: str) -> tuple[str, bytes]:
        """The digest and the bytes of the manifest or index that a tag or digest names."""
        response = self._get(f"manifests/{name}", {"Accept": ", ".join((*_MANIFESTS, *_INDEXES))})
        raw = b""
        try:
            for piece in response.iter_content(1 << 16):
                raw += piece
                if len(raw) > _LARGEST_MANIFEST:
                    raise RegistryError(f"the manifest of {self.ref} is larger than 4 MiB")
        finally:
            response.close()
        digest = name if ":" in name else response.headers.get("Docker-Content-Digest", "")
        if not digest:
            return "sha256:" + hashlib.sha256(raw).hexdigest(), raw
        hasher = _hasher(digest)
        hasher.update(raw)
        _verify(digest, hasher.hexdigest())
        return digest, raw

    def _get(self, path: str, headers: dict[str, str]) -> _Response:
        requests = import_module("requests")  # oras's; not in the frontend image either
        url = f"{self._scheme}://{self._host}/v2/{self.ref.path}/{path}"
        # Without oras's own retries, which sleep up to two minutes over a name that does not exist.
        once = type(self._registry).do_request.__wrapped__
        try:
            response = once(self._registry, url, "GET", headers=headers, stream=True)
        except (requests.RequestException, ValueError) as error:
            raise RegistryError(f"cannot read {self.ref}: {_reason(error)}") from None
        if response.status_code != 200:
            response.close()
            known = {401: "access denied", 403: "access denied", 404: "not found"}
            said = known.get(response.status_code, f"HTTP status {response.status_code}")
            raise RegistryError(f"cannot read {self.ref}: {said} ({url})")
        return cast("_Response", response)


def show(ref: str) -> int:
    """Print what each image of `ref` tells urunc, and from where; 1 where urunc would not take it.

    Raises RegistryError.
    """
    with Repository(ref) as repository:
        return _show(repository)


def _show(repository: Repository) -> int:
    status = 0
    for image in repository.images():
        size = sum(layer.size for layer in image.layers) / 1e6
        print(f"{image.platform}  {image.digest}  {size:.1f} MB in {len(image.layers)} layers")
        raw = repository.tree(image).read(URUNC_JSON)
        sources = {
            "annotations": {k: v for k, v in image.annotations.items() if k.startswith(PREFIX)},
            "labels": {k: v for k, v in image.labels.items() if k.startswith(PREFIX)},
            "urunc.json": {} if raw is None else decode(raw),
        }
        for key in sorted(set().union(*sources.values())):
            values = {name: said[key] for name, said in sources.items() if key in said}
            if len(set(values.values())) == 1 and len(values) == len(sources):
                print(f"  {key} = {next(iter(values.values()))}")
                continue
            for name, value in values.items():
                print(f"  {key} = {value}  (only in {name})")
        args = [*(image.process.get("Entrypoint") or ()), *(image.process.get("Cmd") or ())]
        print(f"  arguments: {json.dumps(args)}")
        said = next((s for s in sources.values() if all(key in s for key in NEEDED)), None)
        if said is None:
            print("  urunc takes this for an ordinary container: its keys are not all there")
            status = 1
    return status


def decode(data: bytes) -> dict[str, str]:
    """The keys of a `/urunc.json`, whose values are base64. Raises RegistryError."""
    try:
        values = json.loads(data)
        return {key: b64decode(value, validate=True).decode() for key, value in values.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise RegistryError(f"{URUNC_JSON} is not what urunc reads: {error}") from None


def _connect(host: str, ref: str, *, loopback: bool) -> Any:
    try:
        # By name, because oras has no types: what it returns is Any either way.
        container, provider = import_module("oras.container"), import_module("oras.provider")
    except ImportError:
        raise RegistryError(
            "reading a registry needs oras: pip install 'hutch[registry]'"
        ) from None
    registry = provider.Registry(hostname=host, insecure=loopback)
    if loopback:
        registry.session.trust_env = False  # no proxy stands between us and this machine
    home = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    if os.path.exists(os.path.join(home, "config.json")):  # without one, oras complains on stderr
        registry.auth.load_configs(container.Container(ref))
    return registry


def _descriptor(data: Mapping[str, Any]) -> Descriptor:
    platform = data.get("platform")
    return Descriptor(
        media_type=data.get("mediaType", ""),
        digest=data["digest"],
        size=data["size"],
        platform=None if platform is None else _platform(platform),
        annotations=data.get("annotations") or {},
    )


def _platform(data: Mapping[str, Any]) -> Platform:
    return Platform(
        data["os"],
        data["architecture"],
        data.get("variant", ""),
        data.get("os.version", ""),
        tuple(data.get("os.features") or ()),
    )


def _hasher(digest: str) -> Any:
    algorithm = digest.partition(":")[0]
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise RegistryError(f"{digest} is not a digest that can be checked")
    return hashlib.new(algorithm)


def _verify(digest: str, found: str) -> None:
    if digest.partition(":")[2] != found:
        raise RegistryError(f"the registry sent other bytes than those of {digest}")


def _reason(error: Exception) -> str:
    """The innermost words of an error that requests has wrapped more than once."""
    while (inner := error.__context__ or error.__cause__) is not None:
        error = cast("Exception", inner)
    return str(error) or type(error).__name__
