"""When each phase of a boot began, by what the console says."""

from __future__ import annotations

import pytest

from frontend.cli import bench, main

KERNEL = b"[    0.000000] Linux version 6.12\r\n[    0.1] more\r\n"
INIT = b"[    0.200000] Run /urunit as init process\r\n[    0.3]   with arguments:\r\n"
NOISE = b"hutch-init: nothing to say\r\n\r\n"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> bench.Clock:
    """Of which each look is a second after the one before."""
    seconds = iter(range(1, 100))
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))
    return bench.Clock()


def test_phases(clock: bench.Clock) -> None:
    for piece in (b"\x1bc", KERNEL, INIT, NOISE):
        clock.feed(piece)
        assert not clock.done.is_set()
    clock.feed(b"list")
    assert not clock.done.is_set()
    clock.feed(b"ening\r\n")
    assert clock.done.is_set()
    assert clock.phases() == {"monitor": 2.0, "kernel": 1.0, "application": 3.0, "all": 6.0}


def test_a_kernel_that_says_nothing(clock: bench.Clock) -> None:
    clock.feed(NOISE + b"hello\n")
    assert clock.phases() == {"all": 1.0}


def test_nothing_is_no_phase(clock: bench.Clock) -> None:
    clock.feed(KERNEL)
    assert clock.phases() == {"monitor": 1.0}


def test_medians() -> None:
    rounds = [{"all": 1.0, "kernel": 0.5}, {"all": 3.0}, {"all": 2.0, "kernel": 1.0}]
    assert bench.medians(rounds) == {"all": 2.0}


def test_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    options = bench.parse(["boot", "--phases", "x:1", "--", "-m", "1g"])
    assert (options.told.memory, options.told.append) == (1024, ["ignore_loglevel"])
    with pytest.raises(SystemExit):
        main(["bench", "boot", "-n", "0", "x:1"])
    assert "one start at least" in capsys.readouterr().err
