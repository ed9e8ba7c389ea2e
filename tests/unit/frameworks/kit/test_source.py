"""Source trees, from wherever a file names them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import llb
from frameworks import exits, kit
from frameworks.base import Image
from frameworks.diagnostics import Problems
from frameworks.solo5.layer import SOURCE as SOLO5
from frameworks.spec import GitSource, LocalSource, PackageSource, Source, Text, UrlSource
from llb import Position, Range
from llb.tree import render
from tests.places import ROOT
from tests.unit.core.helpers import AMD64, FakeInputs, lower

FILE = "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
TOOLS = llb.image("tools:1")
COMMIT = "a" * 40


def tree(
    said: Source, *, marker: str = "", named: dict[str, Image] | None = None
) -> kit.SourceTree:
    build = lower(FILE, FakeInputs(named=named or {})).build
    place = ("archive", "suite", "time") if isinstance(said, PackageSource) else None
    return kit.source(build, said, TOOLS, marker=marker, place=place)


def graph(found: kit.SourceTree) -> str:
    return render(found.state.marshal(platform=AMD64))


@pytest.mark.parametrize(
    ("said", "kind", "key", "pinned"),
    [
        (GitSource(Text("https://h/r"), Text("v1")), "git", "git:https://h/r#v1", False),
        (
            GitSource(Text("https://h/r"), Text("v1"), Text(COMMIT)),
            "git",
            f"git:https://h/r#{COMMIT}",
            True,
        ),
        (
            GitSource(Text("https://h/r"), Text("v1"), subdir="sys"),
            "git",
            "git:https://h/r#v1:sys",
            False,
        ),
        (
            UrlSource(Text("https://h/a.txz"), Text("b" * 64)),
            "archive",
            f"sha256:{'b' * 64}",
            True,
        ),
        (LocalSource(Text("tree")), "local", "local:tree", False),
        (LocalSource(Text("theirs")), "local", "context:theirs", False),
        (PackageSource(Text("src=1")), "src", "package src=1", True),
        (PackageSource(Text("src")), "src", "package src", False),
    ],
    ids=["ref", "commit", "subdir", "url", "local", "named", "package", "any-version"],
)
def test_a_tree_is_known_by_its_source(said: Source, kind: str, key: str, pinned: bool) -> None:
    found = tree(said, named={"theirs": Image(llb.local("theirs"), "")})
    assert (found.kind, found.key, found.pinned) == (kind, key, pinned)


def test_directories_are_copied() -> None:
    """A copy is known by its content: what BuildKit has made of the same files stays."""
    for name in ("tree", "theirs"):
        said = graph(
            tree(LocalSource(Text(name)), named={"theirs": Image(llb.local("theirs"), "")})
        )
        assert said.startswith(f'#1 file "[linux] copy {name}"')


@pytest.mark.parametrize("name", ["a.tar", "a.tar.zst", "sub/a.tgz", "a.txz"])
def test_archives_are_unpacked(name: str) -> None:
    said = graph(tree(LocalSource(Text(name))))
    assert "--strip-components=1" in said
    assert f"mount /archive from /{name} read-only" in said
    said = graph(tree(LocalSource(Text(name)), marker="build.sh"))
    assert "args /bin/sh /hutch/unpack.sh /archive /src build.sh" in said


def test_a_package_is_looked_for_where_it_is() -> None:
    said = graph(tree(PackageSource(Text("src=1"))))
    assert "args /bin/sh /hutch/fetch.sh /out src=1 archive suite time" in said
    assert "tools:1" not in said, "it is fetched and unpacked while the toolchain is installed"


def test_patches_are_of_another_key() -> None:
    build = lower(FILE.replace("source}", "source, patches: [a.patch, b.patch]}")).build
    plain = kit.source(build, UrlSource(Text("https://h/a"), Text("b" * 64)), TOOLS)
    patched = kit.patched(build, plain, TOOLS, "/usr/src")
    assert patched.key == f"{plain.key}+a.patch+b.patch"
    assert (plain.pinned, patched.pinned) == (True, False)
    said = graph(patched)
    assert "args /bin/sh /hutch/patch.sh /usr/src /patches/001 b.patch" in said
    assert said.index("[linux] patch b.patch") < said.index("[linux] patch a.patch")


def test_a_context_stands_in_for_a_pinned_tree() -> None:
    pin = kit.pin("frameworks.solo5", "solo5")
    build = lower(FILE).build
    pinned = kit.pinned_tree(build, "solo5", pin, SOLO5)
    assert f"#{pin.git.commit}" in render(pinned.marshal(platform=AMD64))
    theirs = lower(FILE, FakeInputs(named={"solo5": Image(llb.local("mine"), "")})).build
    given = kit.pinned_tree(theirs, "solo5", pin, SOLO5)
    assert "local://mine" in render(given.marshal(platform=AMD64))


@pytest.mark.parametrize("take", ["named", "source"])
def test_a_directory_that_is_another_tree(take: str) -> None:
    """It is refused where the client sends it anyway: nothing is fetched to look into it."""
    landmarks = kit.Landmarks("Solo5 tree", ("configure.sh", "include/solo5.h"))
    at = Range(Position(3), Position(3))

    def taken(there: tuple[str, ...], *, sent: bool) -> None:
        given = {"solo5": Image(llb.local("mine"), "", sent=sent)}
        build = lower(FILE, FakeInputs(named=given, there=there)).build
        if take == "named":
            kit.named(build, "solo5", landmarks)
        else:
            said = LocalSource(Text("solo5", at))
            kit.source(build, said, kit.toolchain(build, ["xz-utils"]), landmarks=landmarks)

    taken(("/configure.sh", "/include/solo5.h"), sent=True)
    taken((), sent=False)
    with pytest.raises(Problems) as raised:
        taken(("/configure.sh",), sent=True)
    (found,) = raised.value.diagnostics
    assert found.code == "wrong-source"
    assert found.message == (
        "the build context 'solo5' is no Solo5 tree: there is no include/solo5.h in it"
    )
    assert found.file is not None
    assert found.at is not None
    if take == "source":
        assert found.at == at


@pytest.mark.parametrize("path", sorted((ROOT / "frameworks").rglob("steps/*.sh")), ids=str)
def test_a_script_that_sees_a_wrong_tree_says_which_it_is_by_its_status(path: Path) -> None:
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.search(r"hutch: the (source|archive) is (no|not) ", line):
            ends = next(each for each in lines[number:] if each.strip().startswith("exit "))
            assert ends.strip() == f"exit {exits.WRONG_SOURCE}", line
