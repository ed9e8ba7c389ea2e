"""What the programs that read the BSDs' catalogues of packages have in common.

It stands beside them in a step, and nothing else of hutch does (`frameworks.scripts.module`).
"""

from __future__ import annotations

import hashlib
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

_TIMEOUT = 120


class Wrong(Exception):
    """What is wrong, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A package whose file is there, as `packages.json` has it (`frameworks.rootfs.packages`)."""

    name: str
    version: str
    url: str
    sha256: str


def main(fetch: Callable[[], Iterator[Fetched]], out: Path) -> int:
    """Fetch, and write into `out` what was: 0, or 1 with one line on stderr."""
    try:
        fetched = [asdict(each) for each in fetch()]
    except Wrong as wrong:
        print(f"hutch: {wrong}", file=sys.stderr)
        return 1
    (out / "packages.json").write_text(json.dumps(fetched, indent=1) + "\n")
    return 0


def get(url: str, *, missing: bool = False) -> bytes | None:
    """What is at a URL; None where there is nothing and it may be `missing`. Raises Wrong."""
    request = urllib.request.Request(url, headers={"User-Agent": "hutch"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        if missing and error.code in (403, 404):
            return None
        raise Wrong(f"{url}: {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise Wrong(f"{url}: {getattr(error, 'reason', error)}") from error


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
