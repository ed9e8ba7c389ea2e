"""`hutch run`'s own words: ports, sizes, variables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from frameworks.runtime.machine import Forward
from frontend.cli import run


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("8080:80", Forward(8080, 80)),
        ("80", Forward(0, 80)),
        (":80", Forward(0, 80)),
        ("0.0.0.0:53:5353/udp", Forward(53, 5353, "0.0.0.0", "udp")),
        ("127.0.0.1::80/tcp", Forward(0, 80)),
    ],
)
def test_ports(text: str, means: Forward) -> None:
    assert run.published(text) == means


@pytest.mark.parametrize(
    "text", ["", "x", "80:x", "65536:80", "0:80", "80:80/sctp", "[::1]:80:80", "host:80:80", "²:80"]
)
def test_ports_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        run.published(text)


def test_a_free_port_is_chosen_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = run._settled(Forward(0, 80))
    assert found.host > 1024
    told = f"hutch: 127.0.0.1:{found.host} leads to the guest's 80\n"
    assert capsys.readouterr().err == told
    assert run._settled(Forward(8080, 80)) == Forward(8080, 80)


@pytest.mark.parametrize(
    ("text", "mib"),
    [("512m", 512), ("1g", 1024), ("1G", 1024), ("64MB", 64), ("7000000", 7), ("8192k", 8)],
)
def test_sizes(text: str, mib: int) -> None:
    assert run.memory(text) == mib


@pytest.mark.parametrize("text", ["", "1t", "-1m", "1.5g", "5m", "256"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        run.memory(text)


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "here")
    monkeypatch.delenv("NOT_MINE", raising=False)
    file = tmp_path / "env"
    file.write_text("# a comment\n\nA=of the file\nB=two = three\nMINE\n")
    found = run.environment(["A=given", "NOT_MINE", "C="], [str(file)])
    assert found == {"A": "given", "B": "two = three", "MINE": "here", "C": ""}


@pytest.mark.parametrize(("text", "means"), [("1", 1.0), ("0.5", 0.5)])
def test_seconds(text: str, means: float) -> None:
    assert run.seconds(text) == means
    for wrong in ("", "0", "-1", "nan", "inf", "1e3"):
        with pytest.raises(argparse.ArgumentTypeError):
            run.seconds(wrong)


def test_the_commands_own_options_are_the_guests() -> None:
    options = run.parser().parse_args(["-p", "80:80", "x:1", "/bin/sh", "-c", "ls -p"])
    assert options.command == ["/bin/sh", "-c", "ls -p"]
    assert options.publish == [Forward(80, 80)]


def test_ends_of_lines_in_pieces(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    out = run._Output(sys.stdout.buffer, raw=False, failed=lambda: None)
    for piece in (b"a\r", b"\nb", b"\r", b"c\r\nd\n"):
        out.write(piece)
    assert capfdbinary.readouterr().out == b"a\nb\rc\nd\n"
