"""`hutch check`: what `docker buildx build --check` says, without a builder."""

from __future__ import annotations

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
