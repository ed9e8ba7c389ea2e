"""Kernel configurations, and what a source tree knows of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frameworks.bsd.kernconf import Finding
from frameworks.bsd.steps import kernconf
from tests.places import TREES


def compose(system: str, **request: Any) -> tuple[list[str], list[Finding]]:
    directory = {"netbsd": "sys/arch/amd64/conf", "freebsd": "sys/amd64/conf"}[system]
    base = {"netbsd": "MICROVM", "freebsd": "FIRECRACKER"}[system]
    whole = {
        "system": system,
        "machine": "amd64",
        "marker": {"netbsd": "build.sh", "freebsd": "Makefile.inc1"}[system],
        "directory": ["no/such", directory],
        **{"base": base, "file": None, "fragments": [], "options": []},
        **request,
    }
    text, findings = kernconf.compose(whole, TREES / system)
    return text.splitlines()[1:], findings


def test_a_configuration_of_the_tree() -> None:
    assert compose("netbsd") == (['include \t"arch/amd64/conf/MICROVM"'], [])
    assert compose("freebsd") == (["include \tFIRECRACKER", "ident   \tHUTCH"], [])


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (True, ["no options\tINET6", "options \tINET6"]),
        (False, ["no options\tINET6"]),
        (4096, ["no options\tINET6", "options \tINET6=4096"]),
        ("0x10", ["no options\tINET6", "options \tINET6=0x10"]),
        ('a "b"', ["no options\tINET6", 'options \tINET6="a \\"b\\""']),
    ],
)
def test_netbsd_values(value: Any, lines: list[str]) -> None:
    assert compose("netbsd", options=[["INET6", value]])[0][1:] == lines


def test_netbsd_file_systems_are_no_options() -> None:
    made, findings = compose("netbsd", options=[["EXT2FS", True]])
    assert made[1:] == ["no file-system\tEXT2FS", "file-system \tEXT2FS"]
    assert findings == []


def test_freebsd_values() -> None:
    made, _ = compose("freebsd", options=[["INET6", False], ["MAXUSERS", 8]])
    assert made[2:] == ["nooptions\tINET6", "nooptions\tMAXUSERS", "options \tMAXUSERS=8"]


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_what_the_tree_does_not_know(system: str) -> None:
    _, findings = compose(system, options=[["INET7", True], ["EXT2FS", True]])
    assert [(f.option, f.reason) for f in findings] == [("INET7", "unknown")]
    assert "INET6" in findings[0].nearest
    _, findings = compose(system, base="MICROVN")
    assert [(f.wanted, f.reason) for f in findings] == [("MICROVN", "no-config")]
    _, findings = compose(system, directory=["no/such"])
    assert findings[0].why() == "this is no source tree: it has no no/such"
    _, findings = compose(system, marker="nothing.sh", options=[["INET7", True]])
    assert [found.why() for found in findings] == ["this is no source tree: it has no nothing.sh"]


def test_options_of_another_machine(tmp_path: Path) -> None:
    """They are in files of their own, beside those of this one."""
    conf = tmp_path / "sys/conf"
    conf.mkdir(parents=True)
    for name in ("options", "options.amd64", "options.arm64", "options.amd64.orig"):
        (conf / name).write_text(f"# NOT\n{name.upper().replace('.', '_')}\topt_x.h\n\tNOT\n")
    found = kernconf.freebsd_options(tmp_path, "arm64")
    assert set(found) == {"OPTIONS", "OPTIONS_ARM64"}


def test_a_file_that_includes_what_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text("include\t\tNOTTHERE\ninclude \tFIRECRACKER # a comment\n")
    _, findings = compose("freebsd", file=str(file))
    assert [f.wanted for f in findings] == ["NOTTHERE"]


def test_conditions(tmp_path: Path) -> None:
    (tmp_path / "is").mkdir()
    text = "device a # if is\ndevice b # if/not\ndevice c # if is/not\ndevice d # just a word\n"
    assert kernconf.conditional(text, tmp_path) == (
        "device a\ndevice b # if/not\ndevice d # just a word\n"
    )


def test_options_of_a_real_kind_of_file(tmp_path: Path) -> None:
    """Continuation lines, values, dependencies, files of options, obsolete ones."""
    (tmp_path / "sys/conf").mkdir(parents=True)
    (tmp_path / "sys/dev").mkdir()
    (tmp_path / "sys/conf/files").write_text(
        "# comment defflag NOT\n"
        "defflag\topt_a.h\tA B: C, D\n"
        "defparam opt_e.h E=4 F\n"
        "\t\tG\n"
        "obsolete defflag H\n"
    )
    (tmp_path / "sys/dev/files.x").write_text("deffs I # word\ndevice defflag\n")
    assert kernconf.netbsd_options(tmp_path) == {
        **dict.fromkeys("AB", "defflag"),
        **dict.fromkeys("EFG", "defparam"),
        "H": "defflag",
        "I": "deffs",
    }


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    request = {
        "system": "netbsd",
        "machine": "amd64",
        "marker": "build.sh",
        "directory": ["sys/arch/amd64/conf"],
        **{"base": "MICROVM", "file": None, "fragments": [], "options": [["INET7", True]]},
    }
    (tmp_path / "request").write_text(json.dumps(request))
    source = str(TREES / "netbsd")
    write = ["write", str(tmp_path / "request"), "--source", source, "--out", str(tmp_path)]
    assert kernconf.main(write) == 0
    (tmp_path / "out").mkdir()
    report = tmp_path / "report.json"
    require = ["require", str(report), "--config", str(tmp_path / "HUTCH")]
    assert kernconf.main([*require, "--out", str(tmp_path / "out")]) == 3
    assert "no kernel option 'INET7'; did you mean INET or INET6?" in capsys.readouterr().err
    assert not (tmp_path / "out" / "HUTCH").exists()
    report.write_text("[]")
    assert kernconf.main([*require, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "HUTCH").is_file()


@pytest.mark.parametrize("system", ["netbsd", "freebsd"])
def test_what_make_would_run_is_found_in_files(system: str, tmp_path: Path) -> None:
    fragment = tmp_path / "fragment"
    fragment.write_text(
        "# $NetBSD$ is a comment\n"
        'makeoptions COPTS="-O2 -g#1" # $ again\n'
        'makeoptions COPTS="$(touch /pwned)"\n'
        'makeoptions COPTS="`touch /pwned`"\n'
        "makeoptions COPTS != touch\n"
        'options \tFOO="a#b; touch /pwned"\n'
    )
    _, findings = compose(system, fragments=[str(fragment)])
    lines = ["3", "4", "5", "6"]
    assert findings == [Finding("1", line, "code") for line in lines]
    _, findings = compose(system, file=str(fragment))
    assert [found for found in findings if found.reason == "code"] == [
        Finding("0", line, "code") for line in lines
    ]
    assert "line 3 has what the kernel's build would run as code" in str(findings[0])
