"""Push a root filesystem to a registry as an image of one layer."""

import gzip
import hashlib
import json
import shutil
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.report import EngineError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"

# A registry on this machine is never behind the proxy that the environment may name.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of a blob."""

    media_type: str
    digest: str
    size: int

    def to_json(self) -> dict[str, str | int]:
        """The descriptor as the OCI image format writes it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True, slots=True)
class Repository:
    """``library/debian`` of ``localhost:5000``, which speaks plain HTTP without passwords."""

    registry: str
    name: str

    def _url(self, path: str) -> str:
        return f"http://{self.registry}/v2/{self.name}/{path}"

    def has(self, path: str) -> bool:
        """Whether ``manifests/<reference>`` or ``blobs/<digest>`` is there."""
        accept = ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX))
        request = urllib.request.Request(self._url(path), method="HEAD", headers={"Accept": accept})
        try:
            with _OPENER.open(request, timeout=30):
                return True
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise EngineError(f"registry: HEAD {request.full_url}: {error}") from error

    def push_blob(self, data: BinaryIO, descriptor: Descriptor) -> None:
        """Upload a blob in one request, unless it is there already."""
        if self.has(f"blobs/{descriptor.digest}"):
            return
        start = urllib.request.Request(self._url("blobs/uploads/"), method="POST", data=b"")
        with _OPENER.open(start, timeout=30) as answer:
            location = urllib.parse.urljoin(self._url(""), answer.headers["Location"])
        separator = "&" if "?" in location else "?"
        url = f"{location}{separator}{urllib.parse.urlencode({'digest': descriptor.digest})}"
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(descriptor.size),
        }
        request = urllib.request.Request(url, method="PUT", data=data, headers=headers)
        with _OPENER.open(request, timeout=300):
            pass

    def push_manifest(self, reference: str, manifest: bytes) -> None:
        """Upload a manifest under a tag."""
        url = self._url(f"manifests/{reference}")
        headers = {"Content-Type": MANIFEST}
        request = urllib.request.Request(url, method="PUT", data=manifest, headers=headers)
        with _OPENER.open(request, timeout=30):
            pass


def _sha256(data: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := data.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()


def describe(media_type: str, data: BinaryIO) -> Descriptor:
    """Measure and hash an open file from its start, and rewind it."""
    data.seek(0)
    digest = _sha256(data)
    size = data.tell()
    data.seek(0)
    return Descriptor(media_type, f"sha256:{digest}", size)


def image_config(architecture: str, diff_id: str) -> bytes:
    """The configuration of a base image: what Debian's own images say, and no date."""
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": ["bash"],
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created_by": "mmdebstrap"}],
    }
    return json.dumps(config, sort_keys=True).encode()


def image_manifest(config: Descriptor, layer: Descriptor) -> bytes:
    """The manifest of an image of one layer."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.to_json(),
        "layers": [layer.to_json()],
    }
    return json.dumps(manifest, sort_keys=True).encode()


def push_tar(repository: Repository, tag: str, tar: Path, architecture: str) -> None:
    """Push an uncompressed tar archive as ``<repository>:<tag>``."""
    with (
        tar.open("rb") as plain,
        tempfile.TemporaryFile(dir=tar.parent) as packed,
        tempfile.TemporaryFile(dir=tar.parent) as settings,
    ):
        diff_id = describe(LAYER, plain).digest
        with gzip.GzipFile("", "wb", 6, packed, mtime=0) as stream:
            shutil.copyfileobj(plain, stream, 1 << 20)
        layer = describe(LAYER, packed)
        repository.push_blob(packed, layer)
        settings.write(image_config(architecture, diff_id))
        config = describe(CONFIG, settings)
        repository.push_blob(settings, config)
        repository.push_manifest(tag, image_manifest(config, layer))
