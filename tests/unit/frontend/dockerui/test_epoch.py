"""The time of a commit, out of git's own files."""

from __future__ import annotations

import os
import subprocess
import zlib
from pathlib import Path

import pytest

from frontend.dockerui.epoch import find_in_index, parse_commit, unpack_object


def git(folder: Path, *args: str) -> str:
    who = {"NAME": "a", "EMAIL": "a@example.com", "DATE": "1234567890 +0900"}
    env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    done = subprocess.run(
        ["git", *args], cwd=folder, check=True, capture_output=True, env={**os.environ, **env}
    )
    return done.stdout.decode().strip()


def test_a_packed_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    for number in range(20):
        (tmp_path / "file").write_text(str(number))
        git(tmp_path, "add", "file")
        git(tmp_path, "commit", "-qm", f"number {number}\n\ncommitter nobody <x> 1 +0000")
    git(tmp_path, "gc", "-q")
    (index,) = (tmp_path / ".git/objects/pack").glob("*.idx")
    data = index.read_bytes()
    pack = index.with_suffix(".pack").read_bytes()
    name = bytes.fromhex(git(tmp_path, "rev-parse", "HEAD"))
    offset = find_in_index(data, name)
    assert offset is not None
    assert parse_commit(unpack_object(pack[offset : offset + 4096])) == 1234567890
    assert find_in_index(data, bytes(20)) is None
    assert find_in_index(data, b"\xff" * 20) is None


def test_what_is_no_commit() -> None:
    with pytest.raises(ValueError, match="not a commit"):
        parse_commit(b"tree x\n\ncommitter-less")
    for time in (b"9" * 5000, "\u00b2".encode(), b""):
        with pytest.raises(ValueError, match="not a commit"):
            parse_commit(b"committer x <y> " + time + b" +0000\n")
    with pytest.raises(ValueError, match="not an index"):
        find_in_index(b"\0" * 2000, bytes(20))
    with pytest.raises(ValueError, match="not a commit"):
        unpack_object(b"\x35rest")


def test_a_commit_that_unpacks_without_end() -> None:
    packed = b"\x15" + zlib.compress(b"tree x\n" + bytes(64 << 20))
    assert len(unpack_object(packed)) == 64 << 10
