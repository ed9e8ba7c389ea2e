"""How a kernel's source tree is made ready: `prepare.sh`, run as a build step runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from frameworks import exits
from tests.places import ROOT

LIMITS = {
    "init/Kconfig": (
        "config OTHER\n\tbool\n\nconfig INIT_ENV_ARG_LIMIT\n\tint\n"
        "\tdefault {} if !UML\n\tdefault 128 if UML\n\thelp\n"
        "\t  Maximum of each of the number of arguments and environment\n",
        ("32", "1024"),
    ),
    "arch/x86/include/asm/setup.h": (
        "#define _ASM_X86_SETUP_H\n\n#include <uapi/asm/setup.h>\n\n"
        "#define COMMAND_LINE_SIZE {}\n\n"
        "#include <linux/linkage.h>\n#include <asm/page_types.h>\n",
        ("2048", "16384"),
    ),
    "arch/arm64/include/uapi/asm/setup.h": (
        "#define __ASM_SETUP_H\n\n#include <linux/types.h>\n\n"
        "#define COMMAND_LINE_SIZE{}\n\n#endif\n",
        ("\t2048", " 16384"),
    ),
}
INITRAMFS = """\
extern char __initramfs_start[];
extern unsigned long __initramfs_size;
#include <linux/initrd.h>
#include <linux/kexec.h>

void __init reserve_initrd_mem(void)
{
}

static void __init do_populate_rootfs(void *unused, async_cookie_t cookie)
{
done:
\t/*
\t * If the initrd region is overlapped with crashkernel reserved region,
\t * free only memory that is not part of crashkernel region.
\t */
\tif (!do_retain_initrd && initrd_start && !kexec_free_initrd())
\t\tfree_initrd_mem(initrd_start, initrd_end);
\tinitrd_start = 0;
\tinitrd_end = 0;

\tflush_delayed_fput();
}
"""
"""Of init/initramfs.c in Linux 6.1."""


class Tree:
    """What of a kernel tree is changed, as a version has it, and the step's folder of scripts."""

    def __init__(self, top: Path, version: str) -> None:
        self.top, self.hutch = top / "src", top / "hutch"
        self.hutch.mkdir()
        for name in ("linux/steps/prepare.sh", "kit/steps/patch.sh"):
            shutil.copy(ROOT / "frameworks" / name, self.hutch)
        shutil.copytree(ROOT / "frameworks/linux/patches", self.hutch / "patches")
        self.write("init/initramfs.c", INITRAMFS)
        for name, (text, (old, _)) in LIMITS.items():
            self.write(name, text.format(old))
        major, minor = version.split(".")
        self.write(
            "Makefile",
            "# SPDX-License-Identifier: GPL-2.0\n"
            f"VERSION = {major}\nPATCHLEVEL = {minor}\nSUBLEVEL = 9\nEXTRAVERSION =\n",
        )

    def write(self, name: str, text: str) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name: str) -> str:
        return (self.top / name).read_text()

    def prepare(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", self.hutch / "prepare.sh", *arguments],
            env={**os.environ, "TREE": str(self.top)},
            capture_output=True,
            text=True,
        )

    def prepared(self, *arguments: str) -> str:
        """Run the script; what it says."""
        done = self.prepare(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path, "6.1")


def test_a_tree_is_prepared_once(tree: Tree) -> None:
    patch = tree.top.parent / "a.patch"
    patch.write_text("one")
    arguments = ["package x=1; $(id)", str(patch)]
    assert "already" not in tree.prepared(*arguments)
    for name, (text, (_, new)) in LIMITS.items():
        assert tree.read(name) == text.format(new)
    first, initramfs = tree.read(".hutch-source"), tree.read("init/initramfs.c")
    assert first.startswith("package x=1; $(id)\n")
    assert tree.prepared(*arguments).count(" already\n") == 4
    assert tree.read(".hutch-source") == first
    assert tree.read("init/initramfs.c") == initramfs
    patch.write_text("two")
    tree.prepared(*arguments)
    assert tree.read(".hutch-source") != first
    assert not [*tree.top.rglob("*.orig"), *tree.top.rglob("*.rej")]


def test_another_patch_of_ours_is_another_source(tree: Tree) -> None:
    """Objects of the tree without it are not taken for this one's."""
    tree.prepared("package x=1")
    first = tree.read(".hutch-source")
    patch = next((tree.hutch / "patches").glob("all/*"))
    patch.write_text(f"Another word.\n{patch.read_text()}")
    tree.prepared("package x=1")
    assert tree.read(".hutch-source") != first


def test_an_old_kernel_shows_its_initrd(tree: Tree) -> None:
    """urunc's configuration is read from there; test_linux boots such a kernel."""
    tree.prepared("")
    said = tree.read("init/initramfs.c")
    assert "#include <linux/kexec.h>\n#include <linux/kobject.h>\n" in said
    assert (
        "		free_initrd_mem(initrd_start, initrd_end);\n"
        "	else if (do_retain_initrd && initrd_start)\n"
        "		hutch_show_initrd();\n"
        "	initrd_start = 0;\n"
    ) in said
    assert said.count("static void __init hutch_show_initrd(void)\n{") == 1
    assert not (tree.top / ".hutch-source").exists()


@pytest.mark.parametrize(("version", "shown"), [("5.1", 0), ("5.2", 1), ("6.7", 1), ("6.8", 0)])
def test_a_patch_is_for_its_series(tmp_path: Path, version: str, shown: int) -> None:
    tree = Tree(tmp_path, version)
    tree.prepared("")
    assert tree.read("init/initramfs.c").count("void __init hutch_show_initrd") == shown
    assert "16384" in tree.read("arch/x86/include/asm/setup.h")


def test_a_tree_that_no_patch_fits(tree: Tree) -> None:
    tree.write("init/Kconfig", "config OTHER\n")
    done = tree.prepare("")
    assert done.returncode == exits.BAD_PATCH
    assert (
        "hutch: hutch's own patch 0001-init-more-arguments.patch does not apply to this source\n"
        "hutch: make its change yourself, with a patch under kernel.patches, and it is left out\n"
    ) in done.stderr


def test_a_tree_that_is_none(tree: Tree) -> None:
    (tree.top / "init/Kconfig").unlink()
    done = tree.prepare("")
    assert done.returncode == exits.WRONG_SOURCE
    assert "hutch: the source is no Linux source tree" in done.stderr
