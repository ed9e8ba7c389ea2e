"""`hutch frameworks`: what the frameworks say of themselves."""

from __future__ import annotations

import json

import pytest

import frameworks
from frontend.cli import main


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frameworks", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == list(frameworks.TABLE)
    for name, said in found.items():
        guest = frameworks.get(name).guest
        assert list(said["monitors"]) == list(guest.monitors)
        assert said["rootfs"] == list(guest.rootfs)
    assert found["linux"]["builds"] == {"kernel": True, "app": True}
    assert not found["hermit"]["builds"]["kernel"]


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frameworks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(frameworks.TABLE) + 1
    assert lines[1].split()[:2] == ["linux", "source,"]
    assert main(["frameworks", "linux"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["frameworks", "linus"]) == 1
    assert "did you mean 'linux'?" in capsys.readouterr().err
