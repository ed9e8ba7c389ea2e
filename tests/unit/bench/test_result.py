"""What `make bench` has measured stays when a later part fails."""

from __future__ import annotations

import json
from pathlib import Path

from bench.result import Result


def test_each_part_is_written_when_it_is_there(tmp_path: Path) -> None:
    output = tmp_path / "build/bench.json"
    result = Result(output)
    result.keep(rounds=3, counts={"graphs": 3})
    assert json.loads(output.read_text()) == {"rounds": 3, "counts": {"graphs": 3}}
    result["counts"]["bake of 50"] = 3
    result.keep(**{"bake of 50": {"bunnyfile": 1.5}})
    assert json.loads(output.read_text()) == {
        "rounds": 3,
        "counts": {"graphs": 3, "bake of 50": 3},
        "bake of 50": {"bunnyfile": 1.5},
    }
