"""The pages of the frameworks: each has one, and what it says of its guests is so."""

from __future__ import annotations

import re

import pytest

import frameworks
from frameworks.runtime import RUNTIME
from frontend.bunnyfile import load
from frontend.cli.frameworks import said
from frontend.plan import make
from llb import Platform
from tests.places import ROOT

PREBUILT = ROOT / "frameworks/prebuilt/README.md"
PACKAGED = [name for name in frameworks.TABLE if not said(name)["builds"]["kernel"]]


@pytest.mark.parametrize("name", frameworks.TABLE)
def test_each_framework_has_a_page_that_the_reference_leads_to(name: str) -> None:
    page = ROOT / frameworks.TABLE[name][0].replace(".", "/") / "README.md"
    assert re.search(rf"\b{name}\b", page.read_text().partition("\n\n")[0].lower())
    head = (ROOT / "docs/bunnyfile.md").read_text().partition("\n## ")[0]
    assert (page == ROOT / f"frameworks/{name}/README.md") != (name in PACKAGED)
    assert name not in PACKAGED or name in head


def test_the_table_of_those_that_are_packaged() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PREBUILT.read_text().splitlines()
        if line.startswith("|")
    ]
    assert rows[0][1:] == PACKAGED
    told = {row[0]: dict(zip(PACKAGED, row[1:], strict=True)) for row in rows[2:]}
    for name in PACKAGED:
        can = said(name)
        assert re.findall(r"`([\w-]+)`", told["monitors"][name]) == list(can["monitors"])
        architectures = {each for monitor in can["monitors"].values() for each in monitor}
        assert set(told["architectures"][name].split(", ")) == architectures
        roots = re.findall(r"`([\w-]+)`", told["root filesystems"][name])
        assert sorted(roots) == sorted([*can["rootfs"], *can["filesystems"]])
        since = RUNTIME.first_version(can["guest"])
        assert (since is None) == (told["urunc"][name] == "none that is known")


def test_its_bunnyfiles_can_be_planned() -> None:
    files = re.findall(r"^```yaml\n(.*?)^```", PREBUILT.read_text(), re.M | re.S)
    loaded = [load(text.encode(), "bunnyfile", {}) for text in files]
    assert [str(each.bunnyfile.platforms.framework) for each in loaded] == PACKAGED
    for each in loaded:
        assert not make(each.bunnyfile, each.file, Platform("linux", "amd64")).warnings
