"""Files of packages that are damaged end an installation with one line, whatever they are."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworks.bsd.steps import installing
from frameworks.steps.unpack import unpack


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        info = tarfile.TarInfo("a")
        info.size = 1 << 18
        made.addfile(info, io.BytesIO(random.Random(0).randbytes(info.size // 2).hex().encode()))
    return out.getvalue()


@pytest.mark.parametrize(
    ("pack", "at"), [(gzip.compress, 30), (lzma.compress, 30), (lzma.compress, 1 << 17)]
)
def test_a_damaged_file(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    pack: Callable[[bytes], bytes],
    at: int,
) -> None:
    data = bytearray(pack(archive()))
    data[at : at + 20] = b"\xff" * 20
    for folder in ("packages", "tree"):
        (tmp_path / folder).mkdir()
    (tmp_path / "packages/a.pkg").write_bytes(data)

    def install(package: Path, tree: str, when: int) -> None:
        unpack(str(package), tree)

    words = (str(tmp_path / "packages"), str(tmp_path / "tree"), "0")
    assert installing.main(words, install, lambda tree, name: True) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hutch: the packages cannot be installed: ")
