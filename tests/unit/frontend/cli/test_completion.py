"""The completion scripts, asked by the shells themselves where they are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from frontend.cli import main

ASK = """\
source {script}
COMP_WORDS=({words} "$1"); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _hutch
echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        ("hutch", "comp", "completion"),
        ("hutch", "--v", "--version"),
        ("hutch completion", "", "bash zsh fish"),
        ("hutch run", "--pu", "--publish --pull"),
        ("hutch run --pull", "", "missing always never"),
        ("hutch run --pull", "m", "missing"),
        ("hutch run -p", "", ""),
        ("hutch check -f", "", ""),
        ("hutch check", "", ""),
        ("hutch check --format", "js", "json"),
        ("hutch check --format", "=", "text json github sarif"),
        ("hutch check --format =", "s", "sarif"),
        ("hutch check", "--format=", "--format=text --format=json --format=github --format=sarif"),
        ("hutch check", "--format=g", "--format=github"),
        ("hutch check", "--target=ro", "--target=rootfs"),
        ("hutch build", "--me", "--metadata-file"),
        ("hutch build", "--cache", "--cache-from --cache-to"),
        ("hutch build --platform", "", "linux/amd64 linux/arm64"),
        ("hutch build --target", "k", "kernel kernel-size"),
        ("hutch build -t", "", ""),
        ("hutch build --run . --", "--publ", "--publish"),
        ("hutch build --run . --", "--cache", ""),
        ("hutch build --run . -- --monitor", "fire", "firecracker"),
        ("hutch dev --", "--time", "--timeout"),
        ("hutch dev", "--time", ""),
        ("hutch kernel size --run . --", "--time", "--timeout"),
        ("hutch run IMAGE --", "--time", "--timeout"),
        (
            "hutch run --monitor",
            "",
            "qemu firecracker cloud-hypervisor hvt spt hyperlight-unikraft",
        ),
        ("hutch frameworks", "un", "unikraft"),
    ],
)
def test_bash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, typed: str, offered: str
) -> None:
    assert main(["completion", "bash"]) == 0
    file = tmp_path / "hutch"
    file.write_text(capsys.readouterr().out)
    asked = ASK.format(script=file, words=words)
    done = subprocess.run(
        ["bash", "-c", asked, "bash", typed], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"{offered}\n", "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
def test_fish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fish"]) == 0
    file = tmp_path / "hutch.fish"
    file.write_text(capsys.readouterr().out)
    asked = f"source {file}; complete -C 'hutch run --pul'; complete -C 'hutch completion '; "
    asked += "complete -C 'hutch build --cache-f'; complete -C 'hutch dev -- --time'; "
    asked += "complete -C 'hutch dev --time'; complete -C 'hutch frameworks un'"
    done = subprocess.run(["fish", "-c", asked], capture_output=True, text=True, check=True)
    words = [line.partition("\t")[0] for line in done.stdout.splitlines()]
    assert words == ["--pull", "bash", "fish", "zsh", "--cache-from", "--timeout", "unikraft"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
def test_zsh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is sound, and knows each verb's options: zsh completes on a terminal alone."""
    assert main(["completion", "zsh"]) == 0
    text = capsys.readouterr().out
    file = tmp_path / "_hutch"
    file.write_text(text)
    subprocess.run(["zsh", "-n", str(file)], check=True)
    assert "'--pull[when to ask the registry]:value:(missing always never)'" in text
