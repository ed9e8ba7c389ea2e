"""The graph in each of its forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontend.cli import main
from llb import Definition
from tests.places import EXAMPLES


def test_forms(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """All are of one graph."""
    words = ["llb", "--platform", "amd64", str(EXAMPLES / "linux-hello")]
    out = {}
    for form in ("--tree", "--json", "--dot", "--raw"):
        assert main([*words, form]) == 0
        out[form] = capsysbinary.readouterr().out
    assert main(words) == 0
    assert capsysbinary.readouterr().out == out["--tree"]
    ops = list(Definition.from_bytes(out["--raw"]).ops())
    listed = json.loads(out["--json"])
    assert [each["digest"] for each in listed] == [op.digest for op in ops]
    text = out["--dot"].decode()
    assert text.startswith("digraph llb {\n")
    arrows = sum(len(op.message.inputs) for op in ops if op.kind)
    assert text.count(" -> ") == arrows > 0
    assert '[label="local://context"]' in text


def test_one_form_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["llb", "--json", "--dot", str(tmp_path)])
    assert "not allowed with argument --json" in capsys.readouterr().err
