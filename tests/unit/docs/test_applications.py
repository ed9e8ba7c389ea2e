"""The bunnyfiles of docs/applications.md are whole, without a finding, and can be planned."""

from __future__ import annotations

import re

import pytest

from frontend.bunnyfile import load
from frontend.lint.filechecks import lint
from frontend.plan import make
from llb import Platform
from tests.places import ROOT
from tests.unit.core.helpers import AMD64, lower

PAGE = (ROOT / "docs" / "applications.md").read_text()
SERVICES = dict(re.findall(r"^### ([^\n]+)\n(?:(?!^###).)*?^```yaml\n(.*?)^```", PAGE, re.M | re.S))


def test_the_page_has_each_kind() -> None:
    assert list(SERVICES) == [
        *("Go", "Rust", "C, with make", "C or C++, with CMake", "Python", "Node", "nginx")
    ]


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_be_planned(name: str, architecture: str) -> None:
    text = SERVICES[name]
    assert text.startswith("# syntax=hutch:1\n")
    platform = Platform("linux", architecture)
    loaded = load(text.encode(), "bunnyfile", {})
    noted = make(loaded.bunnyfile, loaded.file, platform).warnings
    assert not lint(loaded, None, [], noted).findings
    lowering = lower(text, platform=platform)
    assert lowering.kernel is not None
    names = [
        op.name
        for layer in lowering.layers
        for op in layer.marshal(platform=AMD64).ops()
        if op.name.startswith("[linux] build the application")
    ]
    assert bool(names) is ("\napp:" in text)
