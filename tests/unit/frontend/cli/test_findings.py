"""What other programs are given of a check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.cli import main

HEAD = "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
FINDING = HEAD + "rootfs: {from: nginx}\ncmd: [a]\n"
ERROR = HEAD.replace("qemu", "qemo") + "cmd: [a]\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUTCH_SITE", raising=False)
    return tmp_path / "bunnyfile"


def test_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FINDING)
    assert main(["check", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "code": "UnpinnedImage",
            "severity": "warning",
            "message": "'nginx' is whatever its newest image is on the day of the build",
            "hint": "name a version, or pin it with '@sha256:...'",
            "file": "bunnyfile",
            "start": {"line": 4, "column": 16},
            "end": {"line": 4, "column": 21},
            "page": None,
        }
    ]
    file.write_text(ERROR)
    assert main(["check", "--format", "json", "--docs", "https://docs.example/"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["code"], found["severity"]) == ("unknown-value", "error")
    assert found["page"] == "https://docs.example/errors/unknown-value/"
    file.write_text(HEAD + "cmd: [a]\n")
    assert main(["check", "--format", "json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_github(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each, whatever is in it."""
    file.write_text(FINDING)
    assert main(["check", "--format", "github", "--docs", "https://docs.example"]) == 0
    assert capsys.readouterr().out == (
        "::warning file=bunnyfile,line=4,endLine=4,col=16,endColumn=21,title=UnpinnedImage::"
        "'nginx' is whatever its newest image is on the day of the build "
        "(name a version, or pin it with '@sha256:...')%0Ahttps://docs.example/rules/UnpinnedImage/\n"
    )
    other = file.with_name("a,b:c%.yaml")
    other.write_text(ERROR)
    assert main(["check", "--format", "github", other.name]) == 1
    assert "file=a%2Cb%3Ac%25.yaml," in capsys.readouterr().out


def test_sarif(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(FINDING.replace("cmd: [a]\n", ""))
    assert main(["check", "--format", "sarif", "--docs", "https://docs.example"]) == 0
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["helpUri"] == f"https://docs.example/rules/{rule['id']}/"
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"]["uri"] == "bunnyfile"
    assert len({rule["id"] for rule in rules}) == len(rules) > 0
    file.write_text(ERROR)
    assert main(["check", "--format", "sarif"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


def test_the_site_is_known_from_one_variable(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FINDING)
    monkeypatch.setenv("HUTCH_SITE", "https://docs.example/h/")
    main(["check", "--format", "github"])
    assert "%0Ahttps://docs.example/h/rules/UnpinnedImage/\n" in capsys.readouterr().out
