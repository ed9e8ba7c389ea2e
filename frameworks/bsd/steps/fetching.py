"""What the programs that read the BSDs' catalogues of packages have in common.

It stands beside them in a step, and nothing else of hutch does (`frameworks.scripts.module`).
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import http.client
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

CA = Path("/run/secrets/ca")
"""The build secret `ca`: as a company's proxy signs in a repository's place, whom to trust, too."""

_TIMEOUT = 120


class Wrong(Exception):
    """What is wrong, in one line for the user; `status` is that of a step that ends with it."""

    status = 1


class Unreachable(Wrong):
    """Nothing answers where a repository is (NO_NETWORK of frameworks/exits.py)."""

    status = 212


class Unknown(Wrong):
    """No repository has what was asked for (NO_PACKAGE of frameworks/exits.py)."""

    status = 213


@dataclass(frozen=True, slots=True)
class Fetched:
    """A package whose file is there, as `packages.json` has it (`frameworks.rootfs.packages`)."""

    name: str
    version: str
    url: str
    sha256: str


def parser() -> argparse.ArgumentParser:
    """What both are told: the names, of what system, and what to do of them."""
    made = argparse.ArgumentParser()
    for name in ("--tree", "--out", "--arch"):
        made.add_argument(name, required=True)
    made.add_argument("--missing", action="store_true")
    made.add_argument("names", nargs="+")
    return made


def main(
    said: argparse.Namespace,
    fetch: Callable[[], Iterator[Fetched]],
    missing: Callable[[], Iterable[str]],
) -> int:
    """Fetch, and write into `--out` what was; with `--missing`, which names are nowhere.

    Returns 0, or an exit status with one line on stderr.
    """
    out = Path(said.out)
    try:
        if said.missing:
            (out / "missing").write_text("".join(f"{name}\n" for name in missing()))
            return 0
        fetched = [asdict(each) for each in fetch()]
    except Wrong as wrong:
        print(f"hutch: {wrong}", file=sys.stderr)
        return wrong.status
    (out / "packages.json").write_text(json.dumps(fetched, indent=1) + "\n")
    return 0


def get(url: str, *, missing: bool = False) -> bytes | None:
    """What is at a URL; None where there is nothing and it may be `missing`. Raises Wrong."""
    request = urllib.request.Request(url, headers={"User-Agent": "hutch"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=_trust()) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        error.close()
        if missing and error.code in (403, 404):
            return None
        raise Wrong(f"{url}: {error.code} {error.reason}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        if isinstance(why, ssl.SSLCertVerificationError):
            hint = "where a company's proxy signs, the secret 'ca' says whom to trust"
            raise Wrong(f"{url}: {why.verify_message} ({hint})") from error
        if isinstance(why, OSError) and not isinstance(why, ssl.SSLError):
            raise Unreachable(f"{url}: {why}") from error
        raise Wrong(f"{url}: {why or type(why).__name__}") from error


def _trust() -> ssl.SSLContext:
    """Those whom Debian trusts, and those of the secret `ca`. Raises ValueError, OSError."""
    return _read(CA.read_bytes() if CA.is_file() else b"")


@functools.cache
def _read(ca: bytes) -> ssl.SSLContext:
    """Read once for all that is fetched: Debian's certificates are hundreds. `ca` is the secret."""
    context = ssl.create_default_context()
    if ca:
        try:
            context.load_verify_locations(CA)
        except ssl.SSLError as error:
            raise ValueError(f"the secret 'ca' has no certificates: {error}") from error
    return context


def store(url: str, folder: Path, fault: Callable[[bytes], str]) -> str:
    """Fetch a package's file into `folder` under its own name; its SHA-256.

    Raises Wrong, also where `fault` says of its bytes what is wrong with them ("" for nothing).
    """
    data = get(url)
    assert data is not None
    if why := fault(data):
        raise Wrong(f"{url} is not what {why}")
    name = urllib.parse.unquote(url.rpartition("/")[2])
    if name in ("", ".", "..") or "/" in name:
        raise Wrong(f"{url} is no file of a package")
    (folder / name).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def url_of(repository: str, path: str) -> str:
    """The URL of the file `path` of a repository."""
    return f"{repository}/{urllib.parse.quote(path, safe='/~+,:@=')}"
