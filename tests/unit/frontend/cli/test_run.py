"""`hutch run`'s own words: ports, sizes, variables."""

from __future__ import annotations

import argparse
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from frameworks.runtime.machine import Forward, NotBootable
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
    (found,) = run._forwards([Forward(0, 80)], starts=True)
    assert found.host > 1024
    told = f"hutch: 127.0.0.1:{found.host} leads to the guest's 80\n"
    assert capsys.readouterr().err == told
    assert run._forwards([found], starts=True) == (found,)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = Forward(busy.getsockname()[1], 80)
        with pytest.raises(
            NotBootable, match=rf"port {taken.host}/tcp of 127\.0\.0\.1 .*already in"
        ):
            run._forwards([taken], starts=True)
        assert run._forwards([taken], starts=False) == (taken,)  # --dry-run starts nothing


@pytest.mark.parametrize("starts", [True, False])
def test_a_port_twice(starts: bool) -> None:
    (one,) = run._forwards([Forward(0, 80)], starts=True)
    for other in (replace(one, guest=81), replace(one, address="0.0.0.0")):
        with pytest.raises(NotBootable, match="is forwarded twice"):
            run._forwards([one, other], starts=starts)
    apart = [one, replace(one, protocol="udp"), replace(one, address="127.0.0.2")]
    assert len(run._forwards(apart, starts=starts)) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "required: IMAGE\n"),
        (["-e", "=x", "a"], "'=x' has no name of a variable"),
        (["-e", "", "a"], "'' has no name of a variable"),
        (["-w", "rel", "a"], "'rel' is no absolute path: begin it with /"),
    ],
)
def test_a_wrong_line(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run.parser().parse_args(words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_a_variable_of_a_file_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=b\n =x\n")
    with pytest.raises(OSError, match="'=x' has no name of a variable"):
        run.environment([], [str(tmp_path / "env")])


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
