"""Images into a registry: copied from wherever they are, byte for byte, and files attached to them.

Manifests are sent as they were read, so that a digest stays what it was; every blob was checked
against its digest before a byte of it is sent. The protocol is the distribution specification's;
a registry without its referrers API is given the index under a tag that stands in for it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from typing import IO, Any

from frontend.images.oci import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    ImageError,
    Images,
    descriptor,
    parsed,
)
from frontend.images.registry import Repository
from frontend.images.transport import Response, Transport, TransportError
from llb.reference import InvalidReference, Reference

_SECONDS = 3600
"""How long all writing to one repository may take."""
_DEEPEST = 3
"""An index may name indexes; Docker's and BuildKit's do not."""

EMPTY = "application/vnd.oci.empty.v1+json"
_EMPTY_CONFIG = b"{}"
TITLE = "org.opencontainers.image.title"


class Target:
    """One repository of one registry, to write to."""

    def __init__(self, ref: str, *, plain: bool = False, seconds: float = _SECONDS) -> None:
        """`plain` is for a registry on another machine that has no TLS. Raises ImageError."""
        try:
            self.ref = Reference.parse(ref).tagged()
        except InvalidReference as error:
            raise ImageError(str(error)) from None
        host = self.ref.domain
        host = "registry-1.docker.io" if host == "docker.io" else host
        scope = f"repository:{self.ref.path}:pull,push"
        self._transport = Transport(host, scope, seconds, plain=plain)

    def has_blob(self, digest: str) -> bool:
        """Whether the repository has a blob already."""
        with self._send("HEAD", f"blobs/{digest}") as response:
            return response.status == 200

    def put_blob(self, what: Descriptor, file: IO[bytes], source: Reference | None = None) -> None:
        """Write a blob; from another repository of the registry (`source`) it is only mounted.

        Raises ImageError.
        """
        query = ""
        if source is not None and source.domain == self.ref.domain:
            query = f"?mount={what.digest}&from={source.path}"
        with self._send("POST", f"blobs/uploads/{query}") as response:
            if response.status == 201:
                return
            to = self._accepted(response, 202).header("Location")
        if not to:
            raise ImageError(f"cannot write to {self.ref}: it does not say where to")
        mark = "&" if "?" in to else "?"
        headers = {"Content-Type": "application/octet-stream"}
        with self._send("PUT", f"{to}{mark}digest={what.digest}", headers, file) as response:
            self._accepted(response, 201)

    def put_manifest(self, name: str, media_type: str, raw: bytes) -> bool:
        """Write a manifest under a tag or its digest, as it is.

        Returns whether the registry lists it with the subject that it names. Raises ImageError.
        """
        digest = _digest(raw)
        headers = {"Content-Type": media_type}
        with self._send("PUT", f"manifests/{name}", headers, raw) as response:
            self._accepted(response, 201)
            said = response.header("Docker-Content-Digest")
            if said and said != digest:
                raise ImageError(f"{self.ref} was written as {said}, not as {digest}")
            return bool(response.header("OCI-Subject"))

    def _send(
        self,
        method: str,
        path: str,
        headers: dict[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
    ) -> Response:
        to = path if path.startswith("/") or "://" in path else f"/v2/{self.ref.path}/{path}"
        try:
            return self._transport.send(method, to, headers, body)
        except TransportError as error:
            raise ImageError(f"cannot write to {self.ref}: {error}") from None

    def _accepted(self, response: Response, status: int) -> Response:
        if response.status == status:
            return response
        known = {403: "access denied", 404: "not found", 405: "it takes no images"}
        said = known.get(response.status, f"HTTP status {response.status}")
        raise ImageError(f"cannot write to {self.ref}: {said}")


def copy(
    source: Images,
    target: Target,
    *,
    digest: str = "",
    tell: Callable[[str], None],
) -> str:
    """Copy what `source` names, every platform of it, and name it as the target does.

    With `digest` one manifest of an index alone. `tell` is given what is written. Returns the
    digest. Raises ImageError.
    """
    digest, raw = source.manifest(digest)
    media_type = _copy(source, target, raw, tell, 0)
    target.put_manifest(target.ref.tag or digest, media_type, raw)
    return digest


def _copy(
    source: Images, target: Target, raw: bytes, tell: Callable[[str], None], depth: int
) -> str:
    """Copy what a manifest or an index names, without itself; returns its media type."""
    manifest = parsed(raw)
    entries = manifest.get("manifests")
    media_type = str(manifest.get("mediaType") or (MANIFESTS if entries is None else INDEXES)[0])
    if entries is not None:
        if not isinstance(entries, list) or depth >= _DEEPEST:
            raise ImageError(f"{source.name} has an index that cannot be copied")
        for entry in entries:
            each = descriptor(entry)
            if not source.has(each.digest):
                what = each.platform or each.digest
                raise ImageError(f"{source.name} lacks its image for {what}: choose a platform")
            _, below = source.manifest(each.digest)
            target.put_manifest(each.digest, _copy(source, target, below, tell, depth + 1), below)
        return media_type
    layers = manifest.get("layers")
    if not isinstance(layers, list) or "config" not in manifest:
        raise ImageError(f"{source.name} has a manifest that names no blobs")
    ref = source.ref if isinstance(source, Repository) else None
    for each in map(descriptor, (manifest["config"], *layers)):
        if target.has_blob(each.digest):
            continue
        tell(f"{each.digest}  {shown(each.size)}")
        with source.blob(each) as file:
            target.put_blob(each, file, ref)
    return media_type


def attach(
    source: Repository, target: Target, name: str, data: bytes, media_type: str, kind: str
) -> str:
    """Attach a file to the image that `source` names, in the same repository.

    `kind` is the artifact's type, `media_type` the file's. Returns the digest of what was attached.
    Raises ImageError.
    """
    subject, raw = source.manifest()
    about = parsed(raw)
    indexed = "manifests" in about
    of = str(about.get("mediaType") or (INDEXES if indexed else MANIFESTS)[0])
    config = Descriptor(EMPTY, _digest(_EMPTY_CONFIG), len(_EMPTY_CONFIG))
    layer = Descriptor(media_type, _digest(data), len(data))
    for what, content in ((config, _EMPTY_CONFIG), (layer, data)):
        if not target.has_blob(what.digest):
            target.put_blob(what, io.BytesIO(content))
    made = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFESTS[0],
            "artifactType": kind,
            "config": _plain(config),
            "layers": [{**_plain(layer), "annotations": {TITLE: name}}],
            "subject": {"mediaType": of, "digest": subject, "size": len(raw)},
            "annotations": {TITLE: name},  # which lists of what is attached repeat
        }
    ).encode()
    digest = _digest(made)
    if not target.put_manifest(digest, MANIFESTS[0], made):
        entry = _plain(Descriptor(MANIFESTS[0], digest, len(made)))
        entry |= {"artifactType": kind, "annotations": {TITLE: name}}
        _list(source, target, subject, entry)
    return digest


def attached(source: Repository) -> list[dict[str, Any]]:
    """The descriptors of what is attached to an image. Raises ImageError."""
    subject, _ = source.manifest()
    raw = source.referrers(subject)
    return [] if raw is None else list(parsed(raw).get("manifests") or ())


def _list(source: Repository, target: Target, subject: str, entry: dict[str, Any]) -> None:
    """Put an entry into the index of what is attached to `subject`, under the tag for that."""
    raw = source.referrers(subject)
    entries = [] if raw is None else list(parsed(raw).get("manifests") or ())
    if entry not in entries:
        entries.append(entry)
    index = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": entries}
    target.put_manifest(subject.replace(":", "-"), INDEXES[0], json.dumps(index).encode())


def shown(size: int) -> str:
    """A number of bytes, in words."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def _plain(what: Descriptor) -> dict[str, Any]:
    return {"mediaType": what.media_type, "digest": what.digest, "size": what.size}


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
