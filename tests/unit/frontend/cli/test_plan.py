"""`hutch plan`: what the file leaves open has the build's own values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.cli import main
from tests.places import EXAMPLES


@pytest.mark.parametrize(
    ("example", "version", "config"),
    [("linux-redis", "6.12", "microvm"), ("netbsd-hello", "10.99", "MICROVM")],
)
def test_what_is_built(
    example: str, version: str, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--platform", "amd64", str(EXAMPLES / example)]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["version"] == version
    assert plan["kernel"]["config"] == config
    assert plan["kernel"]["source"]
    assert "debian:trixie-slim" in plan["toolchain"]["from"]
    assert any("debian:trixie-slim" in each for each in plan["fetched"])


def test_what_the_file_says_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bunnyfile").write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: source, config: tiny, source: {git: 'https://example.org/linux.git', "
        "commit: 0123456789012345678901234567890123456789}}\n"
        "toolchain: {from: 'mine:1'}\ncmd: [a]\n"
    )
    assert main(["plan", str(tmp_path)]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["version"] is None
    assert plan["kernel"]["config"] == "tiny"
    assert plan["kernel"]["source"]["url"] == "https://example.org/linux.git"
    assert plan["toolchain"]["from"] == "mine:1"


def test_a_prebuilt_one_builds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bunnyfile").write_text(
        "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
        "kernel: {from: local, path: k}\ncmd: [a]\n"
    )
    assert main(["plan", str(tmp_path)]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["version"], plan["kernel"]["config"], plan["toolchain"]["from"]) == (None,) * 3
    assert plan["fetched"] == []


def test_a_tree(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan", "--tree", "--platform", "amd64", str(EXAMPLES / "linux-static-c")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("linux on qemu for linux/amd64\n  rootfs\n    from: scratch\n")
    assert "\n    config: tiny\n" in out
    assert "null" not in out
