"""How patches are put on a tree: `patch.sh`, run as a build step runs it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from frameworks import exits
from tests.places import ROOT

OURS = sorted((ROOT / "frameworks").glob("*/patches/*/*"))
PATCH = """\
Two files in one patch, and the first of them twice.

--- a/one
+++ b/one
@@ -1 +1 @@
-old
+new
--- a/two
+++ b/two
@@ -1 +1 @@
-old
+new
--- a/one
+++ b/one
@@ -1 +1 @@
-new
+newer
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "hutch").mkdir()
    shutil.copy(ROOT / "frameworks/kit/steps/patch.sh", tmp_path / "hutch")
    (tmp_path / "src").mkdir()
    for name in ("one", "two"):
        (tmp_path / "src" / name).write_text("old\n")
    return tmp_path / "src"


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", tree.parent / "hutch/patch.sh", *arguments], capture_output=True, text=True
    )


def put(tree: Path, text: str) -> subprocess.CompletedProcess[str]:
    """One of the user's."""
    (tree.parent / "000").write_text(text)
    return run(tree, str(tree), str(tree.parent / "000"), "fixes/a; $(b).patch")


def own(tree: Path, series: str = "", version: str = "") -> subprocess.CompletedProcess[str]:
    """hutch's own, of which `ONE` is for `series`."""
    if series:
        folder = tree.parent / "hutch/patches" / series
        folder.mkdir(parents=True)
        (folder / "0001-it.patch").write_text(ONE)
    return run(tree, "--own", str(tree), *([version] if version else []))


ONE = PATCH.split("--- a/two")[0]


def test_a_patch_of_the_user(tree: Path) -> None:
    done = put(tree, PATCH)
    assert done.returncode == 0, done.stderr
    assert (tree / "one").read_text() == "newer\n"
    assert (tree / "two").read_text() == "new\n"
    assert "patching file two\n" in done.stdout


def test_a_patch_that_does_not_apply(tree: Path) -> None:
    (tree / "two").write_text("other\n")
    done = put(tree, PATCH)
    assert done.returncode == exits.BAD_PATCH
    assert "Hunk #1 FAILED" in done.stderr
    assert "hutch: fixes/a; $(b).patch does not apply to this source\n" in done.stderr


def test_a_patch_that_is_there_already(tree: Path) -> None:
    """`patch --batch` alone takes it out again, and says that all is well."""
    assert put(tree, ONE).returncode == 0
    done = put(tree, ONE)
    assert done.returncode == exits.BAD_PATCH
    assert "hutch: fixes/a; $(b).patch is in this source already\n" in done.stderr
    assert (tree / "one").read_text() == "new\n"


def test_no_patches_of_hutchs_own(tree: Path) -> None:
    assert own(tree).returncode == 0


def test_one_of_hutchs_own_is_put_on_once(tree: Path) -> None:
    assert own(tree, "all").returncode == 0
    assert (tree / "one").read_text() == "new\n"
    done = own(tree)
    assert done.returncode == 0
    assert done.stdout == "hutch: the source has 0001-it.patch already\n"
    assert (tree / "one").read_text() == "new\n"


CONTEXT = "a\nb\nc\n{}d\ne\nf\n"
"""A file; its third and fourth lines are next to the change."""


@pytest.mark.parametrize(
    ("before", "after"),
    [("x\n", ""), ("", "x\n"), ("x\n", "y\n")],
    ids=["a-line-less", "a-line-more", "another-line"],
)
@pytest.mark.parametrize("drift", ["", "other-head", "other-end"])
def test_each_kind_of_change_is_made_once(tree: Path, before: str, after: str, drift: str) -> None:
    """Also where the lines around it are not all as in the tree that it was made for."""
    old = "".join(f"-{line}\n" for line in before.split())
    new = "".join(f"+{line}\n" for line in after.split())
    size, grown = 4 + len(before) // 2, 4 + len(after) // 2
    patch = f"--- a/one\n+++ b/one\n@@ -2,{size} +2,{grown} @@\n b\n c\n{old}{new} d\n e\n"

    def text(change: str) -> str:
        said = CONTEXT.format(change)
        changed = {"other-head": ("b\n", "B\n"), "other-end": ("e\n", "E\n"), "": ("", "")}[drift]
        return said.replace(*changed)

    folder = tree.parent / "hutch/patches/all"
    folder.mkdir(parents=True)
    (folder / "0001-it.patch").write_text(patch)
    (tree / "one").write_text(text(before))
    assert "patching file one" in own(tree).stdout
    assert (tree / "one").read_text() == text(after)
    if drift and not before:
        return  # of what only adds, nothing but its surroundings tells whether it is there
    done = own(tree)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hutch: the source has 0001-it.patch already\n"
    assert (tree / "one").read_text() == text(after)


def test_one_of_hutchs_own_that_does_not_apply(tree: Path) -> None:
    (tree / "one").write_text("other\n")
    done = own(tree, "all")
    assert done.returncode == exits.BAD_PATCH
    assert "hutch: hutch's own patch 0001-it.patch does not apply to this source\n" in done.stderr


@pytest.mark.parametrize(
    ("series", "version", "fits"),
    [
        ("from-5.2", "5.2", True),
        ("from-5.2", "5.1.99", False),
        ("from-5.2", "5.10-rc1", True),
        ("from-5.2", "6", True),
        ("before-6.8", "6.7.12", True),
        ("before-6.8", "6.8", False),
        ("before-6.8", "6.12", False),
        ("from-5.2-before-6.8", "6.1", True),
        ("from-5.2-before-6.8", "4.19", False),
        ("from-5.2-before-6.8", "7.3", False),
        ("from-5.2", "", False),
    ],
)
def test_series(tree: Path, series: str, version: str, fits: bool) -> None:
    assert own(tree, series, version).returncode == 0
    assert ((tree / "one").read_text() == "new\n") is fits


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_our_patches_say_what_why_and_what_became_of_them(path: Path) -> None:
    header, separator, changes = path.read_text().partition("\n---\n")
    assert separator
    assert changes.startswith(("--- a/", "--- /dev/null\n+++ b/"))
    assert header.startswith("Subject: ")
    for word in ("What", "Why", "Upstream"):
        assert f"\n\n{word}: " in header
    assert path.suffix == ".patch"
    assert path.name[:4].isdigit()


def test_there_are_patches_of_ours() -> None:
    assert {path.parents[2].name for path in OURS} >= {"linux", "rumprun", "solo5"}


CHANGES = re.compile(r"""\bsed\b.*\s(-i|--in-place)|<<|\bed\b|>>?\s*(?!/dev|/tmp|/out)[^"$\s=&>]""")
"""What a script does to a file in place, or writes to one of the directory that it is in."""
NO_PATCHES = {
    # No source: a program of the step's own, which stands before the linker.
    "linux/steps/measure.sh": ['cat > "/tmp/linker/$linker" <<- EOF'],
    # No source: what apk says; apt's configuration for another processor; the name of the machine.
    "kit/steps/packages-apk.sh": [
        r'''line="^\\( *[0-9]+/[0-9]+\\) $verbs (.*) \\((.* -> )?([^ ]+)\\)\$"''',
    ],
    "kit/steps/packages-apt.sh": ['cat > "$APT_CONFIG" <<- END'],
    "kit/steps/packages.sh": [": > /etc/machine-id"],
    # No source: where apt finds packages.
    "mirage/steps/ocaml.sh": ["sed -i 's/^Types: *deb *$/Types: deb deb-src/' \"$file\""],
    # Each has its reason in the script.
    "freebsd/steps/toolchain.sh": [
        "sed -i '/^[[:space:]]*Bmake test/d' contrib/bmake/boot-strap",
    ],
    "rumprun/steps/netbsd.sh": [
        """sed -i -E "s/([[:space:]])$word([[:space:]]|\\$)/\\1\\2/" "$list\"""",
        "echo 'all: ;' > solo5/Makefile",
        "cat > platform/solo5/GNUmakefile << 'END'",
    ],
    "rumprun/steps/rumprun.sh": [
        "cat /hutch/glue/bake.conf >> app-tools/rumprun-bake.conf",
        "echo 'all: ;' > solo5/Makefile",
    ],
    "solo5/steps/solo5.sh": ['"$version" > include/version.h.distrib'],
}
"""The lines of scripts that change a tree without a patch, by script."""


def test_a_source_is_changed_by_patches() -> None:
    folder = ROOT / "frameworks"
    changes = {
        str(path.relative_to(folder)): found
        for path in folder.glob("*/steps/*.sh")
        if (
            found := [
                line.strip()
                for line in path.read_text().splitlines()
                if not line.lstrip().startswith("#") and CHANGES.search(line)
            ]
        )
    }
    assert changes == NO_PATCHES
