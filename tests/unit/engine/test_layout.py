"""Where the engine's files are, and what its daemons do not share."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.layout import (
    DEFAULT,
    DEFAULT_STATE,
    FLAVOURS,
    LONGEST_SOCKET_PATH,
    Layout,
    flavour,
)
from engine.report import EngineError

DEFAULT_LAYOUT = Layout(Path(DEFAULT_STATE))


def test_layout_is_the_default_without_a_variable() -> None:
    assert Layout.from_environment({}).state == Path(DEFAULT_STATE)
    assert Layout.from_environment({"HUTCH_ENGINE_DIR": ""}).state == Path(DEFAULT_STATE)


def test_layout_takes_the_variable_and_tidies_it() -> None:
    layout = Layout.from_environment({"HUTCH_ENGINE_DIR": "/srv//engine/"})
    assert layout.socket(DEFAULT) == Path("/srv/engine/instances/28/docker.sock")


@pytest.mark.parametrize("path", ["relative", "/with space", "/with:colon", "/quote'", "/a\nb"])
def test_layout_refuses_odd_paths(path: str) -> None:
    with pytest.raises(EngineError, match="HUTCH_ENGINE_DIR"):
        Layout.from_environment({"HUTCH_ENGINE_DIR": path})


def test_layout_refuses_a_path_that_leaves_no_room_for_a_socket() -> None:
    longest = "/instances/28-classic/docker.sock"
    fits = "/" + "x" * (LONGEST_SOCKET_PATH - len(longest) - 1)
    Layout.from_environment({"HUTCH_ENGINE_DIR": fits})
    with pytest.raises(EngineError, match="too long"):
        Layout.from_environment({"HUTCH_ENGINE_DIR": fits + "x"})


def test_flavours() -> None:
    assert flavour("28", None) is DEFAULT
    assert flavour("28", None).containerd_store
    assert not flavour("20.10", None).containerd_store
    assert flavour("28", "classic").name == "28-classic"
    with pytest.raises(EngineError, match=r"20\.10 has no containerd"):
        flavour("20.10", "containerd")


def test_daemons_share_nothing_in_the_kernel() -> None:
    other = Layout(Path("/srv/other"))
    places = [layout.place(f) for layout in (DEFAULT_LAYOUT, other) for f in FLAVOURS.values()]
    for values in ([p.bridge for p in places], [p.subnet for p in places]):
        assert len(set(values)) == len(values)
    # IFNAMSIZ is 16 with the final NUL.
    assert max(len(p.bridge) for p in places) <= 15
