"""A new framework is one folder and one row: what CONTRIBUTING.md promises, done here."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import frameworks
from frameworks.diagnostics import Problems
from frameworks.rootfs.filesystems import TABLE
from frontend import bunnyfile
from frontend.bunnyfile.reference import page
from llb import tree
from tests.errors.test_errors import FILES, answer, name_of
from tests.places import ROOT
from tests.sources import choices
from tests.unit.core.helpers import AMD64, lower

RECIPE = '''
"""Owl: a guest that exists in this test only."""

from typing import ClassVar

import llb
from frameworks.base import Build, File, Framework, Guest
from frameworks.rootfs.filesystems import EXT2


class Owl(Framework):
    name: ClassVar[str] = "owl"
    guest: ClassVar[Guest] = Guest(
        type="owl",
        monitors={"qemu": ("amd64",)},
        rootfs=("block", "none"),
        filesystems=(EXT2,),
        runs_program=True,
        unreachable=frozenset({("qemu", "block")}),
    )

    def kernel(self, build: Build) -> File:
        meta = build.meta("kernel", "hoot", build.origin)
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
def test_one_pair_of_errors_lists_all_frameworks_and_no_other_changes() -> None:
    assert len(FILES) > 100
    changed = [
        name_of(path)
        for path in FILES
        if answer(path) != path.with_suffix(".err").read_text(encoding="utf-8")
    ]
    assert changed == ["unknown-value/unlike-any-framework"]


@pytest.mark.usefixtures("owl")
def test_lint_knows_what_its_guest_says() -> None:
    from tests.unit.frontend.lint.test_filechecks import names

    found = names(FILE.replace("cmd: [/hoot]\n", "").replace('from: "base:1", ', ""))
    assert {"UnusableRootfs"} <= set(found)


@pytest.mark.parametrize("name", list(frameworks.TABLE))
def test_what_a_guest_says_can_be_made(name: str) -> None:
    guest = frameworks.get(name).guest
    assert all(TABLE[each.name] is each for each in guest.filesystems)
    assert bool(guest.filesystems) == ("block" in guest.rootfs)
    assert set(guest.reads_solo5_keys) <= set(guest.monitors)
    assert {monitor for monitor, _ in guest.unreachable} <= set(guest.monitors)
    assert {type for _, type in guest.unreachable} <= {*guest.rootfs, "raw", "block", "initrd"}
    assert guest.rootfs_v01 in ("raw", "initrd")


ELSEWHERE = {
    "dockerui/options.py",  # operating systems of platforms, as containerd writes them
}


def test_no_module_of_the_frontend_compares_a_frameworks_name() -> None:
    room = ROOT / "frontend"
    found = []
    for path in room.rglob("*.py"):
        where = path.relative_to(room)
        if str(where) in ELSEWHERE or where.parts[0] in ELSEWHERE:
            continue
        for node in choices(path, frameworks.TABLE):
            if isinstance(node, ast.Compare) and "os" in ast.unparse(node.left).split("."):
                continue
            found.append(f"{where}:{node.lineno}")
    assert not found


FILESYSTEM = """
OWLFS = FileSystem(
    "owlfs",
    ((0, b"OWL1"),),
    about="what this test alone has",
    writer="owlfs",
    program="usr/bin/tee",
    package="coreutils",
    limits=Limits("an owlfs image", latest=1 << 30, size=1 << 20, links=1),
    linux=(frozenset({"OWL_FS"}),),
    endings=(".owlfs",),
    largest=1 << 30,
)
"""
WRITER = '''
"""owlfs images: a mark, and an archive."""

from frameworks.steps import tar
from frameworks.steps.job import Job


def write(job: Job) -> None:
    """Write the image. Raises PackError."""
    job.run(["--output-error=exit", f"{job.output}.tar"], job.entries)
    with open(job.output, "wb") as image, open(f"{job.output}.tar", "rb") as archive:
        image.write(b"OWL1" + archive.read())
'''
SESSION = """
import contextlib, io, json, sys

from frontend.cli import main
from frameworks.linux import roots
from frameworks.rootfs import detect
from frameworks.steps import pack
from frontend.bunnyfile.reference import page


def said(*arguments):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(list(arguments))
        except SystemExit as ended:
            status = ended.code
    return [status, out.getvalue(), err.getvalue()]


def packed(tree, output):
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        status = pack.main(["owlfs", "--tree", tree, "--output", output, "--epoch", "7"])
    return [status, "", err.getvalue()]


common = ["--platform", "linux/amd64"]
print(json.dumps({
    "where": pack.__file__,
    "check": said("check", "file", *common),
    "typo": said("check", "typo", *common),
    "plan": said("plan", "file", *common),
    "llb": said("llb", "file", *common),
    "schema": said("schema"),
    "page": page(),
    "packed": packed("tree", "out/rootfs"),
    "large": packed("large", "out/large"),
    "kind": detect.identify(open("out/rootfs", "rb").read()),
    "ending": detect.identify_name("x.owlfs"),
    "options": sorted(roots.ways("block", "qemu", "owlfs")[0]),
}))
"""


@pytest.fixture(scope="module")
def owlfs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a copy of hutch with one more file system says and does, and a guest that mounts it."""
    copy = tmp_path_factory.mktemp("copy")
    for room in ("frameworks", "frontend", "llb", "schemas"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "frameworks" / "rootfs" / "filesystems.py"
    text = table.read_text()
    row = "TABLE = {each.name: each for each in ("
    assert text.count(row) == 1
    table.write_text(text.replace(row, f"{FILESYSTEM.lstrip()}\n{row}OWLFS, "))
    (copy / "frameworks" / "steps" / "owlfs.py").write_text(WRITER)
    guest = copy / "frameworks" / "owl"
    guest.mkdir()
    (guest / "__init__.py").write_text(RECIPE.replace("EXT2", "OWLFS"))
    with (copy / "frameworks" / "__init__.py").open("a") as rows:
        rows.write('\nTABLE["owl"] = ("frameworks.owl", "Owl")\n')
    for name, words in (("file", "filesystem: owlfs, size: 1M"), ("typo", "filesystem: owlf")):
        (copy / name).write_text(FILE.replace("type: block", f"type: block, {words}"))
    (copy / "tree" / "etc").mkdir(parents=True)
    (copy / "tree" / "etc" / "motd").write_text("hoot")
    (copy / "large").mkdir()
    (copy / "large" / "file").write_bytes(bytes((1 << 20) + 1))
    done = subprocess.run(
        [sys.executable, "-c", SESSION],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert Path(found["where"]).is_relative_to(copy)
    return found


def test_an_object_is_a_file_system_that_guests_are_built_with(owlfs: dict[str, Any]) -> None:
    assert owlfs["check"][0] == 0, owlfs["check"]
    assert json.loads(owlfs["plan"][1])["rootfs"]["filesystem"] == "owlfs"
    assert "[owl] make the owlfs image" in owlfs["llb"][1]
    assert "frameworks.steps.pack owlfs --size 1048576" in owlfs["llb"][1]


def test_a_mistyped_file_system_leads_to_it(owlfs: dict[str, Any]) -> None:
    status, _, err = owlfs["typo"]
    assert status == 1
    assert "owl guests cannot mount 'owlf'" in err
    assert "did you mean 'owlfs'?" in err


def test_editors_and_the_reference_know_the_file_system(owlfs: dict[str, Any]) -> None:
    rooms = json.loads(owlfs["schema"][1])["$defs"]
    filesystem = rooms["owl-rootfs"]["properties"]["filesystem"]
    assert "owlfs" in filesystem["anyOf"][0]["enum"]
    assert "'owlfs' is what this test alone has" in filesystem["description"]
    assert "'owlfs' is what this test alone has" in owlfs["page"]


def test_the_packer_writes_it_and_holds_its_limits(owlfs: dict[str, Any]) -> None:
    assert owlfs["packed"] == [0, "", ""]
    assert owlfs["large"][0] == 1
    assert "/file has 1048577 bytes; an owlfs image takes at most 1048576" in owlfs["large"][2]


def test_its_images_are_known_when_they_are_met(owlfs: dict[str, Any]) -> None:
    assert (owlfs["kind"], owlfs["ending"]) == ("block", "block")
    assert "OWL_FS" in owlfs["options"]
