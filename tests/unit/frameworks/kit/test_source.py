"""Source trees, from wherever a file names them."""

from __future__ import annotations

import pytest

import llb
from frameworks import kit
from frameworks.base import Image
from frameworks.spec import GitSource, LocalSource, PackageSource, Source, Text, UrlSource
from llb.tree import render
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
    assert f"#{pin.git.commit}" in render(
        kit.pinned_tree(build, "solo5", pin).marshal(platform=AMD64)
    )
    theirs = lower(FILE, FakeInputs(named={"solo5": Image(llb.local("mine"), "")})).build
    assert "local://mine" in render(kit.pinned_tree(theirs, "solo5", pin).marshal(platform=AMD64))
