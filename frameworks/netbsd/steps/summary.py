"""Fetch packages of pkgsrc, and all that they depend on, out of NetBSD's repositories.

    summary.py --tree TREE --out DIRECTORY --arch x86_64 (--release 11.0 | --path URLS) PATTERN...
    summary.py --missing ...    which PATTERNs no repository has, a line each in DIRECTORY/missing

It runs alone in Debian. TREE is the guest's base: `usr/pkg/etc/pkgin/repositories.conf` and
PKG_PATH of `etc/pkg_install.conf` say where packages are, and the databases of packages what is
there already. URLS, with semicolons between, take the place of both; where nothing says it, it is
NetBSD's own repository for the release.

Formats: pkg_summary(5), pkg_install.conf(5), and those of patterns.py beside it. Each file is left
under its own name, and `packages.json` says what they are (`frameworks.rootfs.packages`).
"""

from __future__ import annotations

import bz2
import difflib
import gzip
import hashlib
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from frameworks.bsd.steps import fetching
from frameworks.bsd.steps.fetching import Fetched, Unknown, Wrong, get, url_of
from frameworks.netbsd.steps.patterns import compare, installed, matches

OFFICIAL = "https://cdn.NetBSD.org/pub/pkgsrc/packages/NetBSD/{arch}/{release}/All"
_SUMMARIES: dict[str, Callable[[bytes], bytes]] = {
    "pkg_summary.gz": gzip.decompress,
    "pkg_summary.bz2": bz2.decompress,
    "pkg_summary.xz": lzma.decompress,
}


@dataclass(frozen=True, slots=True)
class Found:
    """A package of a repository: `full` is NAME-VERSION, `checksum` (algorithm, hexadecimal)."""

    full: str
    url: str
    needs: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    checksum: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """Without the version, which follows the last hyphen."""
        return self.full.rpartition("-")[0]

    @property
    def version(self) -> str:
        """What follows the last hyphen."""
        return self.full.rpartition("-")[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch; 0, or an exit status with one line on stderr."""
    parser = fetching.parser()
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--release", default="")
    where.add_argument("--path", default="")
    said = parser.parse_args(arguments)
    tree, out = Path(said.tree), Path(said.out)

    def known() -> list[Found]:
        return [
            package
            for url in repositories(tree, said.release, said.arch, said.path)
            for package in parse(url, summary(url))
        ]

    def fetched() -> Iterator[Fetched]:
        for each in resolve(said.names, known(), list(installed(tree))):
            yield Fetched(each.name, each.version, each.url, store(each, out))

    def missing() -> list[str]:
        have = [*(each.full for each in known()), *installed(tree)]
        return [name for name in said.names if not any(matches(name, full) for full in have)]

    return fetching.main(said, fetched, missing)


# --- where packages are ---


def repositories(tree: Path, release: str, arch: str, path: str) -> list[str]:
    """URLs of directories with a summary of their packages, the first that has one counts."""
    words = {"arch": arch, "osrelease": release}
    found = [url for url in path.split(";") if url.strip()]
    if not found:
        for line in _text(tree, "usr/pkg/etc/pkgin/repositories.conf").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                found.append(re.sub(r"\$(\w+)", lambda m: words.get(m[1], m[0]), line.strip()))
    if not found:
        for line in _text(tree, "etc/pkg_install.conf").splitlines():
            key, equals, value = line.partition("=")
            if equals and key.strip() == "PKG_PATH":
                found = [url for url in value.split(";") if url.strip()]
    if not found:
        found = [OFFICIAL.format(arch=arch, release=release)]
    for url in found:
        if not url.strip().startswith(("https://", "http://")):
            raise Wrong(f"packages come by http and https, and a repository is at {url.strip()}")
    return [url.strip().rstrip("/") for url in found]


def _text(tree: Path, name: str) -> str:
    """A file of the tree, which no link may lead out of; "" where there is none."""
    file = tree / name
    if not file.is_file() or not file.resolve().is_relative_to(tree.resolve()):
        return ""
    return file.read_text("utf-8", "replace")


# --- what there is ---


def summary(url: str) -> str:
    """The text of a repository's summary. Raises Wrong."""
    for name, unpacked in _SUMMARIES.items():
        data = get(f"{url}/{name}", missing=True)
        if data is None:
            continue
        try:
            return unpacked(data).decode("utf-8", "replace")
        except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
            raise Wrong(f"{url}/{name} is damaged: {error}") from error
    raise Wrong(f"there is no summary of packages at {url}")


def parse(url: str, text: str) -> Iterator[Found]:
    """The packages of a summary: lines KEY=VALUE, an empty line after each package."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields: dict[str, list[str]] = {}
        for line in paragraph.splitlines():
            key, equals, value = line.partition("=")
            if equals:
                fields.setdefault(key, []).append(value)
        if not fields.get("PKGNAME"):
            continue
        full = fields["PKGNAME"][0]
        file = fields.get("FILE_NAME", [f"{full}.tgz"])[0]
        algorithm, _, digest = fields.get("FILE_CKSUM", [""])[0].partition(" ")
        known = algorithm.lower() in hashlib.algorithms_guaranteed
        yield Found(
            full,
            url_of(url, file),
            tuple(fields.get("DEPENDS", ())),
            tuple(fields.get("CONFLICTS", ())),
            (algorithm.lower(), digest.strip().lower()) if known and digest else None,
        )


# --- what is wanted ---


def resolve(patterns: Sequence[str], known: Sequence[Found], there: Sequence[str]) -> list[Found]:
    """The best packages for `patterns`, and all that they need, by name. Raises Wrong.

    What is `there` already is not among them. Of several versions of a name the newest counts, in
    the first repository that has it.
    """
    by_name: dict[str, list[Found]] = {}
    for package in known:
        by_name.setdefault(package.name, []).append(package)
    found: dict[str, Found] = {}
    waiting = [(pattern, "") for pattern in reversed(patterns)]
    while waiting:
        pattern, wanted_by = waiting.pop()
        have = (*there, *(each.full for each in found.values()))
        if any(matches(pattern, full) for full in have):
            continue
        best = _best(pattern, known)
        if best is None:
            what = f"{wanted_by} needs '{pattern}', which" if wanted_by else f"'{pattern}'"
            if wanted_by:
                raise Wrong(f"{what} no repository has")
            near = difflib.get_close_matches(pattern, by_name, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise Unknown(f"the repositories have no package {what}{hint}")
        if best.name in found:
            taken = found[best.name].full
            raise Wrong(f"{wanted_by or 'packages'} needs '{pattern}', and {taken} is taken")
        found[best.name] = best
        waiting += [(need, best.full) for need in reversed(best.needs)]
    for package in found.values():
        for other in found.values():
            for pattern in package.conflicts:
                if other is not package and matches(pattern, other.full):
                    raise Wrong(f"{package.full} and {other.full} cannot be installed together")
    return [found[name] for name in sorted(found)]


def _best(pattern: str, known: Sequence[Found]) -> Found | None:
    best: Found | None = None
    for package in known:
        if not matches(pattern, package.full):
            continue
        if best is None or (
            package.name == best.name and compare(package.version, best.version) > 0
        ):
            best = package
    return best


def store(package: Found, folder: Path) -> str:
    """Fetch a package's file; its SHA-256. Raises Wrong where the summary says another sum."""

    def fault(data: bytes) -> str:
        algorithm, digest = package.checksum or ("", "")
        if not algorithm or hashlib.new(algorithm, data).hexdigest() == digest:
            return ""
        return f"the summary says: its {algorithm.upper()} is another"

    return fetching.store(package.url, folder, fault)


if __name__ == "__main__":
    sys.exit(main())
