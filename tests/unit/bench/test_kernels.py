"""What a build of a kernel and a boot of it tell, and what is made of it."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import pytest

from bench import kernels, steps


def vertex(name: str, digest: str, **more: object) -> dict[str, object]:
    stamps = {"started": "2026-01-01T00:00:01.5Z", "completed": "2026-01-01T00:00:03Z"}
    return {"name": name, "digest": digest, "inputs": ["x"], **stamps, **more}


def test_steps_that_ran_and_what_they_said() -> None:
    logs = [
        {"vertex": "a", "data": b64encode(part).decode()} for part in (b"Get:1\nFet", b"ched 2")
    ]
    lines = [
        "WARNING: something else",
        json.dumps(
            {"vertexes": [vertex("[linux] a", "a", progressGroup={"name": "[linux] kernel"})]}
        ),
        json.dumps({"logs": logs}),
        json.dumps({"vertexes": [vertex("b", "b", cached=True), vertex("c", "c", inputs=[])]}),
    ]
    assert steps.ended(lines) == [steps.Step("[linux] a", "kernel", 1.5, "Get:1\nFetched 2")]


def test_what_apt_fetched() -> None:
    said = "Get:1 x\nFetched 9,512 kB in 2s (4,756 kB/s)\nx\nFetched 152 MB in 9s (16.9 MB/s)\n"
    assert kernels.fetched(said + "Fetched 0 B in 0s (0 B/s)\nFetched it 5 MB in") == 161_512_000


def test_the_kernels_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(kernels.PEERS, raising=False)
    assert kernels.peers() == {}
    (tmp_path / "a=b").touch()
    monkeypatch.setenv(kernels.PEERS, f"one={tmp_path}/a=b")
    assert kernels.peers() == {"one": tmp_path / "a=b"}
    monkeypatch.setenv(kernels.PEERS, f"one={tmp_path}/a=b,two={tmp_path}/none")
    with pytest.raises(SystemExit, match="two="):
        kernels.peers()


def test_the_version_of_a_kernel(tmp_path: Path) -> None:
    header = bytearray(0x400)
    header[0x202:0x206], header[0x20E:0x210] = b"HdrS", (0x100).to_bytes(2, "little")
    header[0x300:0x320] = b"6.12.9-here (me@it) #1 SMP\0".ljust(32, b"\0")
    (tmp_path / "kernel").write_bytes(header)
    assert kernels.version(tmp_path / "kernel") == "6.12.9-here"
    (tmp_path / "elf").write_bytes(b"\x7fELF" + bytes(0x400))
    assert kernels.version(tmp_path / "elf") == ""


def test_the_phases_of_a_boot() -> None:
    """Each ends with what the kernel says then; the last when the program runs."""
    log = "".join(
        f"<6>[    0.{number}00000] {said} ...\n"
        for number, (_, said) in enumerate(kernels.MILESTONES[:-1], 1)
    )
    found = kernels.phases(log, 0.75)
    assert list(found) == [name for name, _ in kernels.MILESTONES]
    assert [round(each, 3) for each in found.values()] == [0.1] * 6 + [0.15]
    assert kernels.phases("[    0.100000] Linux version\n", 0.75) == {}


def test_a_kernel_of_others_that_does_not_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others' figures are not lost for it."""

    def build(directory: Path, kernel: str, frontend: str, *flags: str) -> list[steps.Step]:
        if "-o" in flags:
            out = Path(flags[flags.index("-o") + 1])
            out.mkdir()
            (out / "kernel").write_bytes(b"1234")
        return []

    def boot(image: str, version: str, size: int) -> kernels.Boot:
        if image == "registry/bench-odd":
            raise TimeoutError("the guest never printed it")
        return kernels.Boot(version, size, 1.0, 2.0, 3, {})

    (tmp_path / "odd").write_bytes(b"no kernel")
    monkeypatch.setenv(kernels.PEERS, f"odd={tmp_path / 'odd'}")
    monkeypatch.setattr(kernels, "run", lambda *_: None)
    monkeypatch.setattr(kernels, "build", build)
    monkeypatch.setattr(kernels, "_boot", boot)
    assert set(kernels.boots("frontend", "registry", 2)) == {"Debian", "microvm", "tiny"}
    assert capsys.readouterr().err == "no boot of odd: the guest never printed it\n"
