"""What an image is made of and no scanner sees: sources, toolchains, configurations.

A component goes into the SBOM (`frontend.sbom`) and into the facts of `--metadata-file`.
"""

from __future__ import annotations

from dataclasses import dataclass

from frameworks.spec import GitSource, LocalSource, PackageSource, Source, UrlSource
from llb.masked import masked


@dataclass(frozen=True, slots=True)
class Component:
    """One thing with a name and, where they are known, a version and a package URL.

    `location` is where it is fetched from; `sha256` is of its bytes, in hex, `commit` of its
    history.
    """

    name: str
    version: str = ""
    purl: str = ""
    location: str = ""
    sha256: str = ""
    commit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "location", masked(self.location))


def package_url(
    type: str,
    name: str,
    version: str = "",
    *,
    namespace: str = "",
    qualifiers: dict[str, str] | None = None,
) -> str:
    """A package URL (github.com/package-url/purl-spec), with every part quoted as it has to be."""
    from urllib.parse import quote  # few builds have components, and start-up counts

    parts = [quote(part, safe="") for part in (*namespace.split("/"), name) if part]
    url = f"pkg:{type}/" + "/".join(parts)
    if version:
        url += "@" + quote(version, safe=":")
    pairs = sorted((key, masked(value)) for key, value in (qualifiers or {}).items() if value)
    if pairs:
        url += "?" + "&".join(f"{key}={quote(value, safe='/:')}" for key, value in pairs)
    return url


def file_at(name: str, version: str, url: str, sha256: str) -> Component:
    """What one file holds, known by where it is fetched from and the sum of its bytes, in hex."""
    qualifiers = {"download_url": url, "checksum": f"sha256:{sha256}"}
    purl = package_url("generic", name, version, qualifiers=qualifiers)
    return Component(name, version, purl, url, sha256=sha256)


def kernel_source(name: str, version: str, source: Source) -> Component:
    """The source that a kernel called `name` ("linux") is built from."""
    match source:
        case PackageSource():
            package, _, pinned = source.package.partition("=")
            version = pinned or version
            purl = package_url(
                "deb", package, version, namespace="debian", qualifiers={"arch": "all"}
            )
            return Component(name, version, purl)
        case GitSource():
            commit = str(source.commit or "")
            at = commit or str(source.ref or "")
            vcs = f"git+{source.url}" + (f"@{at}" if at else "")
            purl = package_url("generic", name, version, qualifiers={"vcs_url": vcs})
            return Component(name, version, purl, vcs, commit=commit)
        case UrlSource():
            return file_at(name, version, str(source.url), str(source.sha256))
        case LocalSource():
            return Component(name, version, package_url("generic", name, version))
