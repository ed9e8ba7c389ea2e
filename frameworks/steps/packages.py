"""The packages installed in a tree of files, and the libraries that an application is built of.

Formats: deb822 paragraphs in var/lib/dpkg/status (and status.d/, of images without dpkg); one
letter, a colon and a value for each line in lib/apk/db/installed; a directory NAME-VERSION for each
package of pkgsrc's (pkg_install: lib/pkgdb.c); a lock file of opam-monorepo's, and directories of
sources in duniverse/. The tree is a guest's: its links are its own, and nothing that is no regular
file is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from frameworks.components import Component, package_url
from frameworks.rootfs import inside

_LARGEST = 256 << 20
"""A hundred times what a distribution with everything installed has."""


def installed(root: Path) -> list[Component]:
    """Every installed package under `root`, by package URL, sorted."""
    distribution = _distribution(root)
    all_ = (*_dpkg(root, distribution), *_apk(root, distribution), *_pkgsrc(root))
    found = {each.purl: each for each in all_}
    return [found[purl] for purl in sorted(found)]


_LOCKED = re.compile(r'"([^"\s]+)" *\{= *"([^"\s]+)" & \?vendor\}')
_VERSION = re.compile(r'^version: *"([^"\s]+)"', re.MULTILINE)


def libraries(root: Path) -> list[Component]:
    """The libraries of an OCaml application's directory, sorted by name.

    A lock file says them with their versions. Where there is none, they are what is in duniverse/,
    and a directory's own description says the version, if anything does.
    """
    found = {}
    for file in _names(root, "mirage"):
        if file.endswith(".opam.locked"):
            for name, version in _LOCKED.findall(_text(root, f"mirage/{file}")):
                found[name] = Component(name, version, package_url("opam", name, version))
    if not found:
        for name in _names(root, "duniverse"):
            folder = f"duniverse/{name}"
            if not (root / folder).is_dir():
                continue
            version = _VERSION.search(_text(root, f"{folder}/{name}.opam"))
            said = version[1] if version is not None else ""
            found[name] = Component(name, said, package_url("opam", name, said))
    return [found[name] for name in sorted(found)]


def _names(root: Path, folder: str) -> list[str]:
    """What is in a directory of the tree, sorted; nothing where there is none."""
    found = inside.resolve(str(root), folder)
    return sorted(os.listdir(found)) if found is not None and os.path.isdir(found) else []


def _dpkg(root: Path, distribution: dict[str, str]) -> Iterator[Component]:
    files = ["var/lib/dpkg/status"]
    folder = "var/lib/dpkg/status.d"
    names = _names(root, folder)
    files += [f"{folder}/{name}" for name in names if not name.endswith(".md5sums")]
    for file in files:
        for fields in _paragraphs(root, file, ": "):
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
        for fields in _paragraphs(root, name, ":"):
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


def _pkgsrc(root: Path) -> Iterator[Component]:
    for folder in ("usr/pkg/pkgdb", "var/db/pkg"):
        for full in _names(root, folder):
            name, _, version = full.rpartition("-")
            contents = inside.resolve(str(root), f"{folder}/{full}/+CONTENTS")
            if name and contents is not None and os.path.isfile(contents):
                # No type of package URLs is pkgsrc's.
                yield Component(name, version, package_url("generic", name, version))


def _paragraphs(root: Path, file: str, separator: str) -> Iterator[dict[str, str]]:
    """The paragraphs of a database; the first value of a key counts, continuations are skipped."""
    fields: dict[str, str] = {}
    for line in _text(root, file).split("\n"):
        if not line:
            if fields:
                yield fields
            fields = {}
        elif not line.startswith((" ", "\t")):
            key, found, value = line.partition(separator)
            if found:
                fields.setdefault(key, value.strip())
    if fields:
        yield fields


def _text(root: Path, file: str) -> str:
    """The text of a file of the tree, "" where there is none."""
    return (inside.read(str(root), file, _LARGEST) or b"").decode("utf-8", "replace")


def _distribution(root: Path) -> dict[str, str]:
    """The fields of os-release, unquoted."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        if text := _text(root, name):
            pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
            return {key: value.strip("\"'") for key, _, value in pairs}
    return {}


def _distro(distribution: dict[str, str]) -> str:
    if "ID" not in distribution:
        return ""
    return f"{distribution['ID']}-{distribution.get('VERSION_ID', '')}".rstrip("-")
