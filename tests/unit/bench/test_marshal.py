"""The graphs whose speed is measured, and which sides make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import marshal
from llb import Platform


@pytest.mark.parametrize("shape", ["wide", "chain"])
def test_a_graph_is_as_large_as_it_is_said(shape: str) -> None:
    """A command and a file each, the image, and the merges of a hundred and of what they make."""
    made = marshal.graph(shape, 600).marshal(platform=Platform("linux", "amd64"))
    kinds = [op.kind for op in made.ops()][:-1]
    assert {kind: kinds.count(kind) for kind in sorted(set(kinds))} == {
        "exec": 300,
        "file": 300,
        "source": 1,
        **({"merge": 4} if shape == "wide" else {}),
    }


def test_without_a_source_tree_there_is_one_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(marshal.BUILDKIT, raising=False)
    with marshal.sides() as commands:
        assert list(commands) == [marshal.OURS]


def test_go_compiles_in_the_tree_and_writes_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What go is told, by one of our own in PATH: our program in the place of a command there."""
    go, tree = tmp_path / "go", tmp_path / "tree"
    tree.mkdir()
    go.write_text(
        f'#!/bin/sh\nshift\necho "$PWD $GOPROXY $*" > {tmp_path}/said\ncp "$3" {tmp_path}\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv(marshal.BUILDKIT, str(tree))
    with marshal.sides() as commands:
        assert list(commands) == [marshal.OURS, marshal.PEER]
    said = (tmp_path / "said").read_text().split()
    assert said[:3] == [str(tree), "off", "-mod=vendor"]
    assert said[-1] == "./cmd/hutch-marshal"
    overlay = (tmp_path / "overlay.json").read_text()
    assert f'"{tree}/cmd/hutch-marshal/main.go": "{marshal.ROOT}/marshal_go/main.go"' in overlay
    assert not list(tree.iterdir())


def test_graphs_that_are_not_alike_are_not_compared() -> None:
    """A side that makes fewer vertices ends the run, and is no ratio."""
    found = '{"vertices": %d, "speed": 1, "made": 1, "memory": 1}'
    commands = {side: ("echo", found % n) for side, n in (("a", 10), ("b", 9))}
    with pytest.raises(SystemExit, match="not alike"):
        marshal.in_turn(commands, (), 1)
