"""Images that were pushed, read back: as a runtime sees them, and as a registry has them."""

from __future__ import annotations

import hashlib
import json
import stat
import tarfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from frameworks.runtime import RUNTIME
from frontend.images.layers import ImageFiles
from frontend.images.oci import StoredImage, decode
from frontend.images.registry import Repository

PREFIX = RUNTIME.prefix
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json,application/vnd.oci.image.manifest.v1+json,"
    "application/vnd.docker.distribution.manifest.list.v2+json,"
    "application/vnd.docker.distribution.manifest.v2+json"
)


@dataclass(frozen=True, slots=True)
class Packed:
    """An image that was read back: one platform's manifest, config and files."""

    image: StoredImage
    tree: ImageFiles

    @property
    def keys(self) -> dict[str, str]:
        """What `/urunc.json` says, without the prefix."""
        raw = self.tree.read("/urunc.json")
        assert raw is not None, "no /urunc.json"
        return {key.removeprefix(PREFIX): value for key, value in decode(raw).items()}

    @property
    def process(self) -> dict[str, Any]:
        """The config's `config`."""
        return self.image.process

    @property
    def env(self) -> list[str]:
        """The environment."""
        return list(self.process.get("Env") or ())

    @property
    def args(self) -> list[str]:
        """Entrypoint and command."""
        return [*(self.process.get("Entrypoint") or ()), *(self.process.get("Cmd") or ())]

    @property
    def files(self) -> list[str]:
        """Every path that is no directory, sorted."""
        return [path for path in self.tree if not self.tree.stat(path).isdir()]

    def read(self, path: str) -> bytes:
        """The file at `path`, which must be there."""
        data = self.tree.read(path)
        assert data is not None, f"no {path} among {self.files}"
        return data


@dataclass(frozen=True, slots=True)
class Raw:
    """What a registry has under a name, in its own words and none of hutch's.

    `manifest` and `config` are of the one image, or of the first of an index; `manifests` has those
    of an index by platform. `statements` are an index's attestations, of whatever platform.
    """

    index: dict[str, Any] | None
    manifest: dict[str, Any]
    config: dict[str, Any]
    manifests: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    statements: tuple[dict[str, Any], ...] = ()

    @property
    def labels(self) -> dict[str, str]:
        """The config's labels."""
        return self.config["config"].get("Labels") or {}

    @property
    def annotations(self) -> dict[str, str]:
        """The manifest's annotations."""
        return self.manifest.get("annotations") or {}


def raw(ref: str) -> Raw:
    """What the registry, which speaks plain HTTP, has under REGISTRY/NAME:TAG."""
    registry, _, rest = ref.partition("/")
    name, _, tag = rest.rpartition(":")

    def get(kind: str, which: str) -> dict[str, Any]:
        url = f"http://{registry}/v2/{name}/{kind}/{which}"
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"Accept": MANIFESTS})
        ) as answer:
            value = json.load(answer)
        assert isinstance(value, dict)
        return value

    top = get("manifests", tag)
    if "manifests" not in top:
        return Raw(None, top, get("blobs", top["config"]["digest"]))
    manifests, statements = {}, []
    for entry in top["manifests"]:
        platform = entry.get("platform") or {}
        manifest = get("manifests", entry["digest"])
        if platform.get("os") == "unknown":
            statements += [get("blobs", layer["digest"]) for layer in manifest["layers"]]
        else:
            manifests[f"{platform['os']}/{platform['architecture']}"] = manifest
    first = next(iter(manifests.values()))
    config = get("blobs", first["config"]["digest"])
    return Raw(top, first, config, manifests, tuple(statements))


def push_config(ref: str, config: Mapping[str, Any]) -> None:
    """Push an image without layers under REGISTRY/NAME:TAG, of any config: no builder has a say."""
    registry, _, rest = ref.partition("/")
    name, _, tag = rest.rpartition(":")
    base = f"http://{registry}/v2/{name}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def send(method: str, url: str, data: bytes, kind: str) -> str:
        request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
        with opener.open(request) as answer:
            return str(answer.headers.get("Location", ""))

    data = json.dumps(config).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    where = send("POST", f"{base}/blobs/uploads/", b"", "text/plain")
    mark = "&" if "?" in where else "?"
    send("PUT", f"{where}{mark}digest={digest}", data, "application/octet-stream")
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest}
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "layers": []}
    manifest["config"] = {**described, "size": len(data)}
    send("PUT", f"{base}/manifests/{tag}", json.dumps(manifest).encode(), media_type)


Listed = tuple[int, str, int, int, int, int, str | None]


def entries(ref: str) -> list[Listed]:
    """Each layer's entries: its number, name, mode, uid, gid, time, and the content's sha256."""
    found: list[Listed] = []
    with Repository(ref) as repository:
        for number, layer in enumerate(repository.image().layers):
            with repository.blob(layer) as file, tarfile.open(fileobj=file) as archive:
                for member in archive:
                    data = archive.extractfile(member) if member.isreg() else None
                    digest = None if data is None else hashlib.sha256(data.read()).hexdigest()
                    mode = stat.S_IMODE(member.mode)
                    owner = (member.uid, member.gid)
                    name = member.name.strip("/")
                    found.append((number, name, mode, *owner, int(member.mtime), digest))
    return found


def difference(first: list[Listed], second: list[Listed]) -> tuple[object, object] | None:
    """The first entry that is not the same in two images, as each of them has it."""
    pairs = zip_longest(first, second)
    return next(((one, other) for one, other in pairs if one != other), None)
