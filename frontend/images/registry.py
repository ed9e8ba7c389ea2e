"""What a registry holds under a name, read by HTTP (`transport`).

Whatever a registry says, reading it takes bounded time and memory and ends in one line
(`ImageError`). A registry on this machine is spoken to without TLS, as Docker does.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import ExitStack
from typing import IO, cast

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
from frontend.images.transport import Response, Transport, TransportError
from llb.reference import InvalidReference, Reference

_SECONDS = 600
"""How long all reading of one repository may take."""


class Repository(Images):
    """Where a reference leads: one repository of one registry."""

    def __init__(
        self, ref: str, seconds: float = _SECONDS, *, plain: bool = False, elsewhere: str = ""
    ) -> None:
        """`seconds` is how long all reading may take; `plain` is for a registry on another machine
        that has no TLS; `elsewhere` says why the image is not read nearer, for messages. Raises
        ImageError for no reference."""
        super().__init__()
        try:
            self.ref = Reference.parse(ref).tagged()
        except InvalidReference as error:
            raise ImageError(str(error)) from None
        self.name = str(self.ref)
        self._elsewhere = f"{elsewhere}; of its registry: " if elsewhere else ""
        host = self.ref.domain
        host = "registry-1.docker.io" if host == "docker.io" else host
        self._transport = Transport(host, f"repository:{self.ref.path}:pull", seconds, plain=plain)

    def __enter__(self) -> Repository:
        return self

    def blob(self, descriptor: Descriptor, most: int = LARGEST_BLOB) -> IO[bytes]:
        """A blob as a temporary file that is open for reading; its digest and size are right."""
        if descriptor.size > most:
            raise ImageError(f"{descriptor.digest} has {descriptor.size} bytes")
        hash = hasher(descriptor.digest)
        size = 0
        with ExitStack() as undo:
            response = undo.enter_context(self._get(f"blobs/{descriptor.digest}", {}))
            out = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=8 << 20))  # noqa: SIM115
            undo.callback(out.close)
            while piece := self._read(response, 1 << 20):
                size += len(piece)
                if size > descriptor.size:
                    break
                hash.update(piece)
                out.write(piece)
            if size != descriptor.size:
                raise ImageError(f"{descriptor.digest} has {size} bytes, not {descriptor.size}")
            verify(descriptor.digest, hash.hexdigest())
            out.seek(0)
            undo.pop_all()
            response.__exit__()
            return out

    def manifest(self, digest: str = "") -> tuple[str, bytes]:
        """The digest and the bytes of a manifest or index; without a digest, of the one named."""
        name = digest or self.ref.digest or self.ref.tag
        accept = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
        raw = bytearray()
        with self._get(f"manifests/{name}", accept) as response:
            while piece := self._read(response, 1 << 16):
                raw += piece
                if len(raw) > LARGEST_MANIFEST:
                    raise ImageError(f"the manifest of {self.ref} is larger than 4 MiB")
            digest = name if ":" in name else response.header("Docker-Content-Digest")
        if not digest:
            return "sha256:" + hashlib.sha256(raw).hexdigest(), bytes(raw)
        hash = hasher(digest)
        hash.update(raw)
        verify(digest, hash.hexdigest())
        return digest, bytes(raw)

    def referrers(self, digest: str) -> bytes | None:
        """The index of what is attached to a manifest; None where nothing is. Raises ImageError.

        A registry without the API for it has it under a tag (distribution-spec, "Referrers tag
        schema").
        """
        for path in (f"referrers/{digest}", f"manifests/{digest.replace(':', '-')}"):
            try:
                asked = self._transport.get(
                    f"/v2/{self.ref.path}/{path}", {"Accept": ", ".join(INDEXES)}
                )
            except TransportError as error:
                raise self._cannot(error) from None
            with asked as response:
                if response.status == 200:
                    try:
                        return response.all(LARGEST_MANIFEST)
                    except TransportError as error:
                        raise self._cannot(error) from None
        return None

    def _get(self, path: str, headers: dict[str, str]) -> Response:
        try:
            response = self._transport.get(f"/v2/{self.ref.path}/{path}", headers)
        except TransportError as error:
            raise self._cannot(error) from None
        if response.status != 200:
            with response:
                known = {403: "access denied", 404: "not found"}
                said = known.get(response.status, f"HTTP status {response.status}")
                raise self._cannot(f"{said} ({path})")
        return response

    def _read(self, response: Response, size: int) -> bytes:
        try:
            return response.read(size)
        except TransportError as error:
            raise self._cannot(error) from None

    def _cannot(self, error: object) -> ImageError:
        return ImageError(f"cannot read {self.ref}: {self._elsewhere}{error}")
