"""Fetch packages of FreeBSD, and all that they depend on, out of its repositories.

    catalogue.py --tree TREE --out DIRECTORY --release 15.0 --arch amd64 [--key DIGEST] NAME...
    catalogue.py --missing ...    which NAMEs no repository has, a line each in DIRECTORY/missing

It runs alone in Debian, with openssl and zstd beside Python. TREE is the guest's base: its
`etc/pkg` and `usr/local/etc/pkg/repos` say where packages are, `var/db/pkg/local.sqlite` what is
there already. Where it says nothing, it is FreeBSD's own repository for the release, whose
catalogue is signed by a key with the SHA-256 DIGEST.

Formats: pkg.conf(5), pkg-repository(5). A catalogue has a JSON object for each package (`name`,
`origin`, `version`, `deps`, `shlibs_required`, `repopath`, `sum` and their kin): a line each in
`packagesite.pkg`, a list in `data.pkg`, which pkg has read since its version 2. What is signed of
it is its SHA-256 in hexadecimal, or, with an ECDSA key that the base names itself, its BLAKE2b
(libpkg/pkgsign_ossl.c and pkgsign_ecc.c). A checksum is a kind and a digest, with `$` between
(pkg_checksum.c). Each file is left under its own name, and `packages.json` says what they are
(`frameworks.rootfs.packages`).
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import json
import re
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frameworks.bsd.steps import fetching
from frameworks.bsd.steps.fetching import Fetched, Unknown, Wrong, get, url_of

OFFICIAL = "https://pkg.FreeBSD.org/${ABI}/quarterly"
_ZSTD = b"\x28\xb5\x2f\xfd"
_LARGEST = 1 << 30


@dataclass(frozen=True, slots=True)
class Repository:
    """Where packages are, and whose signature its catalogue has to have.

    `keys` are SHA-256 digests of public keys, `key` is one itself; None and () for no signature.
    """

    name: str
    url: str
    keys: tuple[str, ...] = ()
    key: bytes | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A package of a catalogue."""

    name: str
    version: str
    origin: str
    url: str
    sum: str
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    """Shared libraries, and other things by names that packages agree on, that it cannot do
    without: another package `gives` them, or the base has them."""
    gives: tuple[str, ...] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch; 0, or an exit status with one line on stderr."""
    parser = fetching.parser()
    parser.add_argument("--release", required=True)
    parser.add_argument("--key", action="append", default=[])
    said = parser.parse_args(arguments)
    tree, out = Path(said.tree), Path(said.out)

    def known() -> dict[str, Found]:
        return catalogue(repositories(tree, said.release, said.arch, tuple(said.key)))

    def fetched() -> Iterator[Fetched]:
        there = There(frozenset(installed(tree)), frozenset(libraries(tree)))
        for each in resolve(said.names, known(), there):
            yield Fetched(each.name, each.version, each.url, store(each, out))

    def missing() -> list[str]:
        names = Names(known())
        return [name for name in said.names if names.lacks(name)]

    return fetching.main(said, fetched, missing)


# --- where packages are ---

_BLOCK = re.compile(r'"?([\w.-]+)"?\s*[:=]?\s*\{([^}]*)\}', re.S)
_PAIR = re.compile(r'"?([\w-]+)"?\s*[:=]\s*("(?:[^"\\]|\\.)*"|[^\s,;]+)')


def repositories(tree: Path, release: str, arch: str, keys: tuple[str, ...]) -> list[Repository]:
    """The repositories of the tree that are enabled, or FreeBSD's own. Raises Wrong.

    `arch` is FreeBSD's name of the processor: amd64, aarch64.
    """
    major, _, minor = release.partition(".")
    words = {
        "ABI": f"FreeBSD:{major}:{arch}",
        "VERSION_MAJOR": major,
        "VERSION_MINOR": minor or "0",
        "OSVERSION": "",
        "ARCH": arch,
    }

    def filled(text: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda found: words.get(found[1], found[0]), text)

    said: dict[str, dict[str, str]] = {}
    for folder in ("etc/pkg", "usr/local/etc/pkg/repos"):
        for file in sorted((tree / folder).glob("*.conf")):
            text = filled(re.sub(r"^\s*#.*$", "", _text(tree, file), flags=re.M))
            for name, block in _BLOCK.findall(text):
                pairs = {key.lower(): value.strip('"') for key, value in _PAIR.findall(block)}
                said.setdefault(name, {}).update(pairs)
    if not said:
        return [Repository("FreeBSD", filled(OFFICIAL), keys)]
    found = []
    for name, pairs in said.items():
        off = pairs.get("enabled", "yes").lower() in ("no", "false", "off", "0")
        url = pairs.get("url", "").removeprefix("pkg+")
        # Modules are for one kernel of FreeBSD's own.
        if off or not url or "/kmods_" in url:
            continue
        if not url.startswith(("https://", "http://")):
            raise Wrong(f"packages come by http and https, and the repository {name} is at {url}")
        signed, trusted, key = pairs.get("signature_type", "none").lower(), keys, None
        if signed == "fingerprints":
            trusted = _fingerprints(tree, pairs.get("fingerprints", "")) or keys
        elif signed == "pubkey":
            key, trusted = _bytes(tree, tree / pairs.get("pubkey", "").lstrip("/")), ()
        elif signed == "none":
            trusted = ()
        else:
            raise Wrong(f"the repository {name} has signatures of a kind '{signed}'")
        priority = int(pairs.get("priority", "0")) if pairs.get("priority", "0").isdigit() else 0
        found.append(Repository(name, url.rstrip("/"), trusted, key, priority))
    if not found:
        raise Wrong("no repository of packages is enabled in the root file system")
    return sorted(found, key=lambda each: -each.priority)


def _fingerprints(tree: Path, folder: str) -> tuple[str, ...]:
    found = {}
    for kind in ("trusted", "revoked"):
        found[kind] = {
            pairs["fingerprint"].strip('"')
            for file in sorted((tree / folder.lstrip("/") / kind).glob("*"))
            if "fingerprint" in (pairs := dict(_PAIR.findall(_text(tree, file))))
        }
    return tuple(sorted(found["trusted"] - found["revoked"]))


def _bytes(tree: Path, file: Path) -> bytes:
    """The content of a file of the tree, which no link may lead out of. Raises Wrong."""
    try:
        if not file.resolve().is_relative_to(tree.resolve()):
            raise Wrong(f"/{file.relative_to(tree)} leads out of the root file system")
        return file.read_bytes()
    except OSError as error:
        raise Wrong(f"/{file.relative_to(tree)}: {error.strerror}") from error


def _text(tree: Path, file: Path) -> str:
    return _bytes(tree, file).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class There:
    """What a base has: packages, and files in its directories of libraries, by name."""

    packages: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()


def installed(tree: Path) -> Iterator[str]:
    """The names of the packages that are there already, as those of a base of packages are."""
    name = "local.sqlite"
    there = tree / "var/db/pkg"
    if not there.resolve().is_relative_to(tree.resolve()):
        return
    with tempfile.TemporaryDirectory() as folder:
        # A copy: the tree is read-only, and sqlite writes beside what it reads. pkg(8) keeps what
        # is new in a second file, which is there after a pkg that was killed.
        for each in (name, f"{name}-wal"):
            if (there / each).is_file() and not (there / each).is_symlink():
                Path(folder, each).write_bytes((there / each).read_bytes())
        if not Path(folder, name).exists():
            return
        with contextlib.closing(sqlite3.connect(Path(folder, name))) as base:
            try:
                yield from (str(name) for (name,) in base.execute("SELECT name FROM packages"))
            except sqlite3.DatabaseError as error:
                raise Wrong(f"/var/db/pkg/local.sqlite cannot be read: {error}") from error


def libraries(tree: Path) -> Iterator[str]:
    """The names of the shared libraries that are there, whoever brought them."""
    for folder in ("lib", "usr/lib", "usr/local/lib"):
        if (tree / folder).resolve().is_relative_to(tree.resolve()):
            yield from (file.name for file in (tree / folder).glob("*.so*"))


# --- what there is ---


def catalogue(repositories: Sequence[Repository]) -> dict[str, Found]:
    """All packages by name; the first repository that has one counts. Raises Wrong."""
    found: dict[str, Found] = {}
    for repository in repositories:
        for each in read(repository, _site(repository)):
            found.setdefault(each.name, each)
    return found


def _site(repository: Repository) -> bytes:
    for name in ("packagesite.pkg", "data.pkg", "packagesite.tzst", "packagesite.txz"):
        data = get(f"{repository.url}/{name}", missing=True)
        if data is not None:
            return data
    raise Wrong(f"there is no catalogue of packages at {repository.url}")


def read(repository: Repository, archive: bytes) -> Iterator[Found]:
    """The packages of a catalogue, once its signature is seen to be right. Raises Wrong."""
    files = _files(archive, repository.url)
    name = next((each for each in ("packagesite.yaml", "data") if each in files), None)
    if name is None:
        raise Wrong(f"the catalogue of {repository.url} has no packagesite.yaml")
    verify(repository, files[name], files)
    text = files[name].decode("utf-8", "replace")
    try:
        for said in _objects(text) if name == "data" else map(json.loads, _lines(text)):
            yield _package(repository, said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Wrong(f"the catalogue of {repository.url} has a line that is none") from error


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


_PACKAGES = re.compile(r'[{,]\s*"packages"\s*:\s*\[\s*')
_BETWEEN = re.compile(r"\s*,?\s*")


def _objects(text: str) -> Iterator[Any]:
    """The objects of the list `packages`, one at a time: all of them at once are a gigabyte."""
    start = _PACKAGES.search(text)
    if start is None:
        raise ValueError("there is no list of packages")
    decoder, at = json.JSONDecoder(), start.end()
    while not text.startswith("]", at):
        found, at = decoder.raw_decode(text, at)
        yield found
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at


def _package(repository: Repository, said: dict[str, Any]) -> Found:
    path = said.get("repopath") or said["path"]
    name = str(said["name"])
    return Found(
        name,
        str(said["version"]),
        str(said.get("origin", "")),
        url_of(repository.url, path),
        str(said["sum"]),
        tuple(said.get("deps") or {}),
        (*(said.get("shlibs_required") or ()), *(said.get("requires") or ())),
        (*(said.get("shlibs_provided") or ()), *(said.get("provides") or ())),
    )


_KINDS = {"rsa": "PEM", "ecdsa": "DER"}
"""Signatures that can be checked here, and the form of their keys."""
_KIND = re.compile(rb"\$PKGSIGN:([^$]*)\$")


def _kind(data: bytes) -> tuple[str, bytes]:
    """The kind of signature that a key or a signature says it is of, and what follows."""
    said = _KIND.match(data)
    return (said[1].decode("ascii", "replace"), data[said.end() :]) if said else ("rsa", data)


def verify(repository: Repository, text: bytes, files: dict[str, bytes]) -> None:
    """Raise Wrong where the catalogue is not signed by whom the repository says."""
    if not repository.keys and repository.key is None:
        return
    key, signature = repository.key, files.get("signature")
    if key is None:
        for name in sorted(files):
            known = _kind(files[name])[1]
            if name.endswith(".pub") and hashlib.sha256(known).hexdigest() in repository.keys:
                key, signature = known, files.get(f"{name.removesuffix('.pub')}.sig")
    if key is None:
        raise Wrong(f"the catalogue of {repository.url} is signed by no key that is trusted")
    if signature is None:
        raise Wrong(f"the catalogue of {repository.url} has no signature")
    kind, signature = _kind(signature)
    if kind not in _KINDS:
        raise Wrong(f"the catalogue of {repository.url} has a signature of a kind '{kind}'")
    message = hashlib.sha256(text).hexdigest().encode()
    if kind == "ecdsa" and repository.key is not None:
        message = hashlib.blake2b(text).digest()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "key").write_bytes(key)
        Path(folder, "signature").write_bytes(signature)
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", "-keyform", _KINDS[kind], "-verify", f"{folder}/key",
             "-signature", f"{folder}/signature"],
            input=message,
            capture_output=True,
        )  # fmt: skip
    if done.returncode != 0:
        raise Wrong(f"the signature of the catalogue of {repository.url} is wrong")


def _files(archive: bytes, url: str) -> dict[str, bytes]:
    """The files of an archive, whatever compresses it; Python's own module knows no zstd."""
    if archive.startswith(_ZSTD):
        done = subprocess.run(["zstd", "-dcq"], input=archive, capture_output=True)
        if done.returncode != 0:
            raise Wrong(f"the catalogue of {url} is damaged")
        archive = done.stdout
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as found:
            return {
                member.name.lstrip("/"): file.read(_LARGEST)
                for member in found
                if (file := found.extractfile(member)) is not None
            }
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Wrong(f"the catalogue of {url} is damaged") from error


# --- what is wanted ---


class Names:
    """What names of packages mean in a catalogue: NAME, ORIGIN, or either with =VERSION."""

    def __init__(self, known: dict[str, Found]) -> None:
        self._known = known
        self._origins: dict[str, str] = {}
        for each in known.values():
            self._origins.setdefault(each.origin, each.name)

    def lacks(self, said: str) -> str:
        """Why there is no package of a name, "" where there is."""
        name, version = self._split(said)
        if name not in self._known:
            near = difflib.get_close_matches(name, self._known, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            return f"the repositories have no package '{said}'{hint}"
        has = self._known[name].version
        if version and has != version:
            return f"the repositories have {name} {has}, and 'packages' says {version}"
        return ""

    def name(self, said: str) -> str:
        """The name of the package. Raises Unknown."""
        if why := self.lacks(said):
            raise Unknown(why)
        return self._split(said)[0]

    def _split(self, said: str) -> tuple[str, str]:
        name, _, version = said.partition("=")
        return self._origins.get(name, name), version


def resolve(names: Sequence[str], known: dict[str, Found], there: There) -> list[Found]:
    """The packages `names` (NAME, ORIGIN or NAME=VERSION) and all that they need, by name.

    What is `there` already is not among them. Raises Wrong.
    """
    givers: dict[str, list[str]] = {}
    for each in known.values():
        for thing in each.gives:
            givers.setdefault(thing, []).append(each.name)
    found: dict[str, Found] = {}
    waiting = list(map(Names(known).name, names))
    while waiting:
        name = waiting.pop()
        if name in found or name in there.packages:
            continue
        package = known[name]
        found[name] = package
        for need in package.needs:
            if need not in known and need not in there.packages:
                raise Wrong(f"{name} needs the package {need}, which no repository has")
            waiting.append(need)
        if not waiting:
            # What is left once all that is needed by name is there, as pkg(8) finds it: FreeBSD's
            # own packages say little more of each other.
            waiting = _givers(found, givers, there)
    return [found[name] for name in sorted(found)]


def _givers(found: dict[str, Found], givers: dict[str, list[str]], there: There) -> list[str]:
    """A package for each thing that those of `found` want and nobody gives yet.

    A thing that no package gives is the system's own.
    """
    for each in found.values():
        for thing in each.wants:
            able = givers.get(thing, ())
            given = thing in there.libraries
            given = given or any(name in found or name in there.packages for name in able)
            if able and not given:
                return [min(able)]
    return []


_BASE32 = "ybndrfg8ejkmcpqxot1uwisza345h769"
"""pkg's own, which starts with the lowest bits of the first byte."""


def _base32(digest: bytes) -> str:
    number = int.from_bytes(digest, "little")
    return "".join(_BASE32[number >> at & 31] for at in range(0, len(digest) * 8, 5))


_DIGESTS: dict[str, Callable[[bytes], str]] = {
    "0": lambda data: _base32(hashlib.sha256(data).digest()),
    "1": lambda data: hashlib.sha256(data).hexdigest(),
    "2": lambda data: _base32(hashlib.blake2b(data).digest()),
    "5": lambda data: _base32(hashlib.blake2s(data).digest()),
}


def store(package: Found, folder: Path) -> str:
    """Fetch a package's file; its SHA-256. Raises Wrong where the catalogue says another."""
    kind, _, wanted = package.sum.rpartition("$")
    digest = _DIGESTS.get(kind or "1")
    if digest is None:
        raise Wrong(f"the catalogue has a checksum of a kind '{kind}' for {package.name}")

    def fault(data: bytes) -> str:
        return "" if digest(data) == wanted else "the catalogue says: its checksum is another"

    return fetching.store(package.url, folder, fault)


if __name__ == "__main__":
    sys.exit(main())
