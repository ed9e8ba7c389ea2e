"""`hutch check`: what `docker buildx build --check` says, without a builder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from frontend.cli import main

FILE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {from: nginx}
"""
FOUND = """\

WARNING: UnpinnedImage - docs/rules/UnpinnedImage.md
'nginx' is whatever its newest image is on the day of the build (name a version, or pin it with \
'@sha256:...')
   3 |     kernel: {from: source}
   4 | >>> rootfs: {from: nginx}
     |                    ^^^^^
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bunnyfile"


def test_a_finding(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its page and its lines, as a reply to buildx has it; it fails nothing."""
    file.write_text(FILE)
    assert main(["check", "--platform", "linux/amd64"]) == 0
    out = capsys.readouterr().out
    assert out == f"{FOUND}\nbunnyfile: linux on qemu for linux/amd64: 1 warning\n"


def test_what_the_framework_notes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("linux,", "netbsd,").replace("nginx", "nginx:1"))
    assert main(["check", "--platform", "linux/amd64"]) == 0
    assert "WARNING: UnsupportedRuntime - docs/rules/Unsup" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "argument", "status", "last"),
    [
        ("error=true", None, 1, "1 warning"),
        ("skip=UnpinnedImage;error=true", None, 0, "no errors"),
        ("error=true", "error=false", 0, "1 warning"),
        ("skip=all", "error=true", 1, "1 warning"),
    ],
)
def test_the_status(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    line: str,
    argument: str | None,
    status: int,
    last: str,
) -> None:
    file.write_text(f"# check={line}\n{FILE}")
    flags = [] if argument is None else ["--build-arg", f"BUILDKIT_DOCKERFILE_CHECK={argument}"]
    assert main(["check", *flags]) == status
    assert capsys.readouterr().out.endswith(f": {last}\n")


def test_an_error_comes_after_the_findings(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE.replace("qemu", "hvt"))
    assert main(["check"]) == 1
    said = capsys.readouterr()
    assert said.out == f"{FOUND}\n"
    assert "linux guests do not run on the monitor 'hvt'" in said.err


KINDS = [(os.mkfifo, "a named pipe (FIFO)"), (os.mkdir, "a directory")]


@pytest.mark.parametrize(("make", "kind"), KINDS)
def test_what_is_no_file(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], None],
    kind: str,
) -> None:
    make(file)
    assert main(["check"]) == 1
    assert capsys.readouterr().err == f"hutch: bunnyfile is {kind}, not a file\n"
    other = file.with_name("other")
    other.write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: source}\nrootfs: {from: local, path: bunnyfile}\n"
    )
    assert main(["check", "other"]) == 1
    assert f"other:4:29: error: 'bunnyfile' in the build context is {kind}" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("epoch", ["\u00b2", "9" * 20, "9" * 5000, "-1", "x"])
def test_a_time_that_is_none(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, epoch: str
) -> None:
    file.write_text(FILE)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert "SOURCE_DATE_EPOCH cannot be" in err
    assert len(err) < 400


def test_an_argument_that_is_no_text(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE)
    assert main(["check", "--build-arg", "A=\udcff"]) == 1
    assert "--build-arg A has a value that is not UTF-8 text" in capsys.readouterr().err


def test_a_password_is_not_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FILE + "app: {git: 'https://user:secret@host/x', ref: [a]}\n")
    assert main(["check"]) == 1
    err = capsys.readouterr().err
    assert "https://xxxx:xxxxxx@host/x" in err
    assert "secret@" not in err
