"""A root of Alpine with its own apk, and packages and their index, as apk reads them.

A package is tar files one after another, each compressed with gzip: its signature, its control part
and its files; all but the last without the two empty blocks with which a tar file ends. An index is
the same of a signature and of the text of all packages. Both formats are abuild's; version 3 of apk
reads them as version 2 does.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.harness.tools import need, run

_LOCK = Path(__file__).parents[1] / "alpine/requirements.txt"
_TIME = 1700000000
KEY = "hutch-test.rsa.pub"
"""What the key is called in /etc/apk/keys."""


@dataclass(frozen=True)
class Apk:
    """A package: files by their paths in the root, the names of packages that it needs, and what
    runs when it is installed, in the root."""

    name: str
    version: str
    files: Mapping[str, str]
    needs: tuple[str, ...] = ()
    script: str = ""

    @property
    def file(self) -> str:
        """What a repository calls it."""
        return f"{self.name}-{self.version}.apk"


def root(to: Path) -> Path | None:
    """The files of an Alpine system for amd64, without a kernel; None where they cannot be had."""
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-deps"]
    uv += ["--python-platform", "x86_64-manylinux_2_17"]
    uv += ["--require-hashes", "--target", str(to / "wheel"), "--requirements", str(_LOCK)]
    done = subprocess.run(uv, capture_output=True, text=True)
    if done.returncode:
        if any(word in done.stderr for word in ("Failed to fetch", "dns error", "no wheels")):
            return None
        raise RuntimeError(done.stderr)
    (disk,) = (to / "wheel").rglob("*.qcow2")
    need("qemu-img")
    run("qemu-img", "convert", "-O", "raw", str(disk), str(to / "disk"))
    shutil.rmtree(to / "wheel")
    found = to / "root"
    found.mkdir()
    run("/sbin/debugfs", "-R", f"rdump / {found}", str(to / "disk"))
    (to / "disk").unlink()
    for path in ("boot", "lib/modules", "lost+found", "dev"):
        shutil.rmtree(found / path)
    (found / "dev").mkdir()
    return found


def keys(folder: Path) -> tuple[Path, bytes]:
    """A new key to sign with, in a folder, and its public half."""
    key = folder / "alpine.rsa"
    openssl = ["openssl", "genrsa", "-out", str(key), "2048"]
    subprocess.run(openssl, check=True, capture_output=True)
    openssl = ["openssl", "rsa", "-in", str(key), "-pubout"]
    return key, subprocess.run(openssl, check=True, capture_output=True).stdout


def repository(folder: Path, architecture: str, key: Path, packages: tuple[Apk, ...]) -> None:
    """The packages for an architecture (x86_64) in a repository's folder, with a signed index."""
    place = folder / architecture
    place.mkdir(parents=True)
    records = []
    for package in packages:
        control, whole = _package(package, architecture, key)
        (place / package.file).write_bytes(whole)
        records.append(_record(package, architecture, control, len(whole)))
    index = _tar({"DESCRIPTION": b"test", "APKINDEX": "".join(records).encode()}, end=True)
    (place / "APKINDEX.tar.gz").write_bytes(_signature(index, key) + index)


def _package(package: Apk, architecture: str, key: Path) -> tuple[bytes, bytes]:
    """A package's control part, and all of it."""
    data = _tar({path: text.encode() for path, text in package.files.items()}, end=True, sums=True)
    told = {
        "pkgname": package.name,
        "pkgver": package.version,
        "pkgdesc": "a test's",
        "url": "https://example.com",
        "builddate": str(_TIME),
        "size": str(sum(map(len, package.files.values()))),
        "arch": architecture,
        "license": "MIT",
        "datahash": hashlib.sha256(data).hexdigest(),
    }
    lines = [f"{key} = {value}\n" for key, value in told.items()]
    lines += [f"depend = {each}\n" for each in package.needs]
    members = {".PKGINFO": "".join(lines).encode()}
    if package.script:
        members[".post-install"] = package.script.encode()
    control = _tar(members, end=False)
    return control, _signature(control, key) + control + data


def _record(package: Apk, architecture: str, control: bytes, size: int) -> str:
    sum_ = base64.b64encode(hashlib.sha1(control).digest()).decode()
    told = {
        "C": f"Q1{sum_}",
        "P": package.name,
        "V": package.version,
        "A": architecture,
        "S": str(size),
        "I": str(sum(map(len, package.files.values()))),
        "T": "a test's",
        "U": "https://example.com",
        "L": "MIT",
        "t": str(_TIME),
        "D": " ".join(package.needs),
    }
    return "".join(f"{key}:{value}\n" for key, value in told.items() if value) + "\n"


def _signature(data: bytes, key: Path) -> bytes:
    openssl = ["openssl", "dgst", "-sha1", "-sign", str(key)]
    signed = subprocess.run(openssl, input=data, check=True, capture_output=True).stdout
    return _tar({f".SIGN.RSA.{KEY}": signed}, end=False)


def _tar(members: Mapping[str, bytes], *, end: bool, sums: bool = False) -> bytes:
    """Files as a compressed tar file; with `sums` it has the SHA-1 of each, as apk's files do."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folders: set[str] = set()
        for path, data in members.items():
            parts = path.split("/")[:-1]
            for folder in ("/".join(parts[: count + 1]) for count in range(len(parts))):
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_entry(folder, 0o755, tarfile.DIRTYPE))
            entry = _entry(path, 0o755 if data[:2] == b"#!" else 0o644)
            entry.size = len(data)
            if sums:
                sum_ = hashlib.sha1(data).hexdigest()
                entry.pax_headers = {"APK-TOOLS.checksum.SHA1": sum_}
            archive.addfile(entry, io.BytesIO(data))
        length = archive.offset
    data = out.getvalue() if end else out.getvalue()[:length]
    return gzip.compress(data, mtime=0)


def _entry(path: str, mode: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.mtime, entry.type = mode, _TIME, kind
    entry.uname = entry.gname = "root"
    return entry
