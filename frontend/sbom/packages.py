"""The packages installed in a tree of files, from the databases of dpkg and apk.

Formats: deb822 paragraphs in var/lib/dpkg/status (and status.d/, of images without dpkg); one
letter, a colon and a value for each line in lib/apk/db/installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from frameworks.components import Component, package_url


def installed(root: Path) -> list[Component]:
    """Every installed package under `root`, by package URL, sorted."""
    distribution = _distribution(root)
    found = {each.purl: each for each in (*_dpkg(root, distribution), *_apk(root, distribution))}
    return [found[purl] for purl in sorted(found)]


def _dpkg(root: Path, distribution: dict[str, str]) -> Iterator[Component]:
    files = [root / "var/lib/dpkg/status"]
    folder = root / "var/lib/dpkg/status.d"
    if folder.is_dir():
        files += sorted(path for path in folder.iterdir() if path.suffix != ".md5sums")
    for file in files:
        for fields in _paragraphs(file, ": "):
            if "Package" not in fields or "Version" not in fields:
                continue
            if not fields.get("Status", "install ok installed").endswith(" installed"):
                continue
            source, _, version = fields.get("Source", "").partition(" ")
            upstream = f"{source}@{version.strip('()')}" if version else source
            purl = package_url(
                "deb",
                fields["Package"],
                fields["Version"],
                namespace=distribution.get("ID", "debian"),
                qualifiers={
                    "arch": fields.get("Architecture", ""),
                    "distro": _distro(distribution),
                    "upstream": upstream,
                },
            )
            yield Component(fields["Package"], fields["Version"], purl)


def _apk(root: Path, distribution: dict[str, str]) -> Iterator[Component]:
    for name in ("lib/apk/db/installed", "usr/lib/apk/db/installed"):
        for fields in _paragraphs(root / name, ":"):
            if "P" not in fields or "V" not in fields:
                continue
            purl = package_url(
                "apk",
                fields["P"],
                fields["V"],
                namespace=distribution.get("ID", "alpine"),
                qualifiers={"arch": fields.get("A", ""), "distro": _distro(distribution)},
            )
            yield Component(fields["P"], fields["V"], purl)


def _paragraphs(file: Path, separator: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a database; the first value of a key counts, continuations are skipped."""
    if not file.is_file():
        return
    fields: dict[str, str] = {}
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line == "\n":
                if fields:
                    yield fields
                fields = {}
            elif not line.startswith((" ", "\t")):
                key, found, value = line.rstrip("\n").partition(separator)
                if found:
                    fields.setdefault(key, value.strip())
    if fields:
        yield fields


def _distribution(root: Path) -> dict[str, str]:
    """The fields of os-release, unquoted."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        file = root / name
        if file.is_file() and not file.is_symlink():
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            pairs = (line.partition("=") for line in lines if "=" in line)
            return {key: value.strip("\"'") for key, _, value in pairs}
    return {}


def _distro(distribution: dict[str, str]) -> str:
    if "ID" not in distribution:
        return ""
    return f"{distribution['ID']}-{distribution.get('VERSION_ID', '')}".rstrip("-")
