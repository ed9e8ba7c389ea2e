"""`hutch kernel size` of what a build left; with builds and boots it is an integration test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.cli import main
from tests.unit.frontend.cli.test_kernelsize import data


@pytest.fixture
def left(tmp_path: Path) -> str:
    file = tmp_path / "kernel-size.json"
    file.write_bytes(data())
    return str(file)


def test_tables(left: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "size", left]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "kernel: 0.0 kB as it boots; 0.5 kB before compression, and 0.0 kB more in memory",
        "",
        "option          its own  with all below it  share",
        "(always there)   0.3 kB             0.3 kB  46.0%",
        "EXT4_FS          0.2 kB             0.2 kB  39.4%",
        "NETDEVICES       0.0 kB             0.1 kB  14.5%",
        "EXT4_ACL         0.1 kB             0.1 kB  12.8%",
        "NIC              0.0 kB             0.0 kB   7.3%",
        "",
        "directory     bytes  share",
        "kernel       0.3 kB  46.0%",
        "fs/ext4      0.2 kB  39.4%",
        "drivers/net  0.1 kB  14.5%",
    ]


@pytest.mark.parametrize(
    ("by", "lines"),
    [
        ("object", ["object            bytes  share", "kernel/fork.o    0.3 kB  46.0%"]),
        ("section", ["section   bytes  kind", ".text    0.5 kB  code"]),
    ],
)
def test_other_tables(
    left: str, by: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kernel", "size", "--by", by, "-n", "2", left]) == 0
    assert capsys.readouterr().out.splitlines()[2:4] == lines


def test_json(left: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "size", "--json", "--depth", "1", left]) == 0
    said = json.loads(capsys.readouterr().out)
    assert sorted(said["directories"]) == ["drivers", "fs", "kernel"]
    assert said["options"]["EXT4_FS"]["all"] == {"bytes": 228, "bss": 0, "code": 192, "objects": 2}
    assert "ran" not in json.dumps(said)


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        (["--run"], 1, "--run needs the build file"),
        (["--depth", "0"], 2, "--depth and --lines are 1 at least"),
        (["--by", "colour"], 2, "invalid choice: 'colour'"),
    ],
)
def test_refused(
    left: str, words: list[str], status: int, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        ended = main(["kernel", "size", *words, left])
    except SystemExit as stop:
        ended = int(str(stop.code))
    assert ended == status
    assert why in capsys.readouterr().err


def test_words_for_a_boot_need_one(left: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["kernel", "size", left, "--", "-p", "80:80"])
    assert "options after `--` are for --run" in capsys.readouterr().err


def test_a_file_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text("{}")
    assert main(["kernel", "size", str(tmp_path / "a.json")]) == 1
    assert "a.json: it is not what --target kernel-size leaves" in capsys.readouterr().err
