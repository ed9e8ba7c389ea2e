"""Image references and their normal form: `debian` means `docker.io/library/debian:latest`.

The grammar is that of distribution/reference (`normalize.go`, `regexp.go`), which BuildKit uses.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

_HUB: Final = "docker.io"
_OFFICIAL: Final = "library/"

_ATOM = "[a-z0-9]+"
_PATH = rf"{_ATOM}(?:(?:[._]|__|-+){_ATOM})*"
_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE: Final = re.compile(
    rf"(?P<domain>{_HOST})/(?P<path>{_PATH}(?:/{_PATH})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_IDENTIFIER: Final = re.compile("[a-f0-9]{64}")
_DIGEST_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_LONGEST_PATH: Final = 255


class InvalidReference(ValueError):
    """The text is not an image reference."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} is not an image reference: {reason}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name (`domain` and `path`), with a tag, a digest, both or neither."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Read a reference, filling in Docker Hub's domain and `library/`; tag and digest as they
        are.

        Raises InvalidReference.
        """
        if _IDENTIFIER.fullmatch(text):
            raise InvalidReference(text, "64 hexadecimal digits are the id of an image, not a name")
        domain, rest = _split(text)
        name = rest.partition(":")[0]
        if name != name.lower():
            raise InvalidReference(text, "the name of the repository must be in lower case")
        match = _REFERENCE.fullmatch(f"{domain}/{rest}")
        if match is None:
            raise InvalidReference(text, "it is not of the form [host/]name[:tag][@digest]")
        if len(match["path"]) > _LONGEST_PATH:
            raise InvalidReference(text, f"its name is longer than {_LONGEST_PATH} characters")
        digest = match["digest"] or ""
        if digest:
            check_digest(text, digest)
        return cls(match["domain"], match["path"], match["tag"] or "", digest)

    @property
    def name(self) -> str:
        """The name without tag and digest, with the domain."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar(self) -> str:
        """The reference as people write it, without `docker.io/library/`."""
        name = self.name
        if self.domain == _HUB:
            short = self.path.removeprefix(_OFFICIAL)
            name = self.path if "/" in short else short
        return name + self._suffix()

    def tagged(self) -> "Reference":
        """Return the reference with the tag `latest` if it has neither a tag nor a digest."""
        return self if self.tag or self.digest else replace(self, tag="latest")

    def pinned(self, digest: str) -> "Reference":
        """Return the reference with that digest; the tag stays, for people to read."""
        check_digest(str(self), digest)
        return replace(self, digest=digest)

    def __str__(self) -> str:
        return self.name + self._suffix()

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def normalise(text: str) -> str:
    """Return the full form of an image reference: domain, path and a tag or a digest."""
    return str(Reference.parse(text).tagged())


def context_name(image: str) -> str:
    """The name of the build context that would stand in for an image, as buildx has it."""
    try:
        return Reference.parse(image).familiar.removesuffix(":latest")
    except InvalidReference:
        return image


def context_names(contexts: Iterable[str]) -> frozenset[str]:
    """The names of build contexts, of which one may be for a platform alone: NAME::PLATFORM."""
    return frozenset(name.partition("::")[0] for name in contexts)


def check_digest(text: str, digest: str) -> None:
    """Raise InvalidReference about `text` unless `digest` is `sha256:` and 64 lower-case hex
    digits.

    The other algorithms of the OCI specification, sha384 and sha512, are accepted too.
    """
    algorithm, _, encoded = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        raise InvalidReference(text, f"{algorithm!r} is not a known digest algorithm")
    if len(encoded) != length or not set(encoded) <= set("0123456789abcdef"):
        raise InvalidReference(text, f"a {algorithm} digest has {length} lower-case hex digits")


def _split(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return _HUB, _OFFICIAL + text
    if first == "index.docker.io":
        first = _HUB
    is_domain = first == "localhost" or "." in first or ":" in first or first != first.lower()
    if not is_domain:
        return _HUB, text
    if first == _HUB and "/" not in rest:
        rest = _OFFICIAL + rest
    return first, rest
