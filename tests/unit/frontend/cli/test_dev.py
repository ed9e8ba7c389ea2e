"""What counts as a change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frontend.cli import dev, main


def test_changes(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("out\n*.log\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "sub").mkdir()
    file = tmp_path / "bunnyfile"
    file.write_text("a")

    def look() -> object:
        return dev.snapshot(str(file), str(tmp_path))

    before = look()
    for name in ("out/deep/x", "a.log", ".git/index"):
        (tmp_path / name).write_text("x")
        assert look() == before
    for name in ("new", "sub/new", "sub/new", ".dockerignore"):
        with (tmp_path / name).open("a") as out:
            out.write("x\n")
        assert look() != before
        before = look()
    (tmp_path / "new").unlink()
    assert look() != before
    before = look()
    os.utime(file, ns=(1, 1))
    assert look() != before


def test_a_file_that_is_elsewhere(tmp_path: Path) -> None:
    context, file = tmp_path / "context", tmp_path / "file"
    context.mkdir()
    file.write_text("a")
    before = dev.snapshot(str(file), str(context))
    file.write_text("ab")
    assert dev.snapshot(str(file), str(context)) != before


def test_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    options = dev.parse(["x", "--", "-p", "8080:80"])
    assert options.path == "x"
    assert options.told.publish[0].host == 8080
    assert main(["dev", "https://example.org/x.git"]) == 1
    assert "is not a directory of this machine" in capsys.readouterr().err
