"""A new framework is one folder and one row: what CONTRIBUTING.md promises, done here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import frameworks
from frameworks.diagnostics import Problems
from frameworks.steps import bounds
from frontend import bunnyfile
from frontend.bunnyfile.reference import page
from llb import tree
from tests.places import ROOT
from tests.unit.core.helpers import AMD64, lower

RECIPE = '''
"""Owl: a guest that exists in this test only."""

from typing import ClassVar

import llb
from frameworks.base import Build, File, Framework, Guest


class Owl(Framework):
    name: ClassVar[str] = "owl"
    guest: ClassVar[Guest] = Guest(
        type="owl",
        monitors={"qemu": ("amd64",)},
        rootfs=("block", "none"),
        filesystems=("ext2",),
        runs_program=True,
        unreachable=frozenset({("qemu", "block")}),
    )

    def kernel(self, build: Build) -> File:
        meta = build.meta("kernel", "hoot", build.asked)
        state = build.run(llb.image("owl:1"), ["make"], meta=meta).root
        return File(state, "owl.elf")
'''
OPTIONS = """
{"properties": {"kernel": {"properties": {"options": {"maxProperties": 0}}}}}
"""
FILE = """\
version: v1
platforms: {framework: owl, monitor: qemu}
kernel: {from: source}
rootfs: {from: "base:1", type: block}
cmd: [/hoot]
"""


@pytest.fixture
def owl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder, on the path of the package, and the row."""
    folder = tmp_path / "owl"
    folder.mkdir()
    (folder / "__init__.py").write_text(RECIPE)
    (folder / "options.schema.json").write_text(OPTIONS)
    monkeypatch.setattr(frameworks, "__path__", [*frameworks.__path__, str(tmp_path)])
    monkeypatch.setitem(frameworks.TABLE, "owl", ("frameworks.owl", "Owl"))
    monkeypatch.delitem(sys.modules, "frameworks.owl", raising=False)


@pytest.mark.usefixtures("owl")
def test_a_folder_and_a_row_are_a_framework() -> None:
    lowered = lower(FILE)
    assert lowered.plan.framework == "owl"
    graphs = [tree.render(layer.marshal(platform=AMD64)) for layer in lowered.layers]
    assert any("[owl] hoot" in graph for graph in graphs)
    assert any("[owl] make the ext2 image" in graph for graph in graphs)


@pytest.mark.usefixtures("owl")
def test_editors_and_the_reference_know_it() -> None:
    schema = bunnyfile.schema("v1")
    assert "owl" in schema["$defs"]["platforms"]["properties"]["framework"]["enum"]
    assert "`owl`" in page()


@pytest.mark.usefixtures("owl")
def test_a_mistyped_name_leads_to_it() -> None:
    with pytest.raises(Problems) as caught:
        lower(FILE.replace("owl", "owll"))
    assert "did you mean 'owl'?" in str(caught.value.diagnostics[0].hint)


@pytest.mark.usefixtures("owl")
def test_lint_knows_what_its_guest_says() -> None:
    from tests.unit.frontend.lint.test_filechecks import names

    found = names(FILE.replace("cmd: [/hoot]\n", "").replace('from: "base:1", ', ""))
    assert {"UnusableRootfs"} <= set(found)


@pytest.mark.parametrize("name", list(frameworks.TABLE))
def test_what_a_guest_says_can_be_made(name: str) -> None:
    guest = frameworks.get(name).guest
    assert set(guest.filesystems) <= set(bounds.BOUNDS)
    assert guest.reads_solo5_keys <= set(guest.monitors)
    assert {monitor for monitor, _ in guest.unreachable} <= set(guest.monitors)
    assert {type for _, type in guest.unreachable} <= {*guest.rootfs, "raw", "block", "initrd"}
    assert guest.rootfs_v01 in ("raw", "initrd")


ELSEWHERE = {
    "dockerui/options.py",  # operating systems of platforms, as containerd writes them
    "images",  # what urunc does for its guests, by its own names
}


def test_no_module_of_the_frontend_compares_a_frameworks_name() -> None:
    room = ROOT / "frontend"
    found = []
    for path in room.rglob("*.py"):
        where = path.relative_to(room)
        if str(where) in ELSEWHERE or where.parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                if "os" in ast.unparse(node.left).split("."):
                    continue
            elif not isinstance(node, ast.Set | ast.List | ast.Tuple | ast.Dict | ast.MatchValue):
                continue
            for word in ast.walk(node):
                if isinstance(word, ast.Constant) and word.value in frameworks.TABLE:
                    found.append(f"{where}:{node.lineno}")
    assert not found
