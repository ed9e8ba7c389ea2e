"""Image references: `debian`, `ghcr.io/owner/name:tag@sha256:...`.

The familiar form leaves out what Docker Hub adds; the wire wants the full form. The rules are those
of the Go package distribution/reference (buildkit-gateway.md 3.4).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_HUB = "docker.io"
_LIBRARY = "library/"
_DOMAIN = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*"
    r"|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
)
_PATH = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A reference in parts; `tag` and `digest` are "" where it has none."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Read any form; raises `ValueError` with the reason in words."""
        if _IDENTIFIER.fullmatch(text):
            raise ValueError("64 hexadecimal digits are an image's id, not its name")
        name, at, digest = text.partition("@")
        head, slash, tail = name.partition("/")
        if slash and (head == "localhost" or any(c in ".:" for c in head) or head != head.lower()):
            domain, rest = (_HUB if head == "index.docker.io" else head), tail
        else:
            domain, rest = _HUB, name
        path, colon, tag = rest.partition(":")
        if domain == _HUB and "/" not in path:
            path = _LIBRARY + path
        if path != path.lower():
            raise ValueError(f"the name {path!r} must be in lower case")
        if not _DOMAIN.fullmatch(domain) or not _PATH.fullmatch(path):
            raise ValueError(f"{text!r} is not an image reference")
        if colon and not _TAG.fullmatch(tag):
            raise ValueError(f"{tag!r} is not a tag")
        if at and not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is not a digest")
        return cls(domain, path, tag, digest)

    @property
    def name(self) -> str:
        """The repository with its registry."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The short form that people write."""
        name = self.name
        if self.domain == _HUB:
            short = self.path.removeprefix(_LIBRARY)
            name = short if "/" not in short else self.path
        return name + self._suffix

    @property
    def context_name(self) -> str:
        """The name under which a named build context may stand in for this image."""
        return self.familiar.removesuffix(":latest")

    def tagged(self) -> ImageRef:
        """With the tag `latest`, if there is neither a tag nor a digest."""
        return self if self.tag or self.digest else replace(self, tag="latest")

    def pinned(self, digest: str) -> ImageRef:
        """With this digest, keeping the tag for people to read."""
        return replace(self.tagged(), digest=digest)

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return tag + digest

    def __str__(self) -> str:
        return self.name + self._suffix
