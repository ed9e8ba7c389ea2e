"""What a kernel's bytes are: linkers' maps and Makefiles in the forms that they have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frameworks.linux.steps import sizes
from frameworks.linux.steps.sizes import NOBODY, Tree, linked, words_of

GNU = """\
Archive member included to satisfy reference by file (symbol)

lib/lib.a(bug.o)              kernel/panic.o (find_bug)

Discarded input sections

 .text.gone     0x0000000000000000       0x10 kernel/gone.o

Memory Configuration

Name             Origin             Length             Attributes
*default*        0x0000000000000000 0xffffffffffffffff

Linker script and memory map

LOAD init/main.o
                0x0000000000000001                jiffies = jiffies_64

.text           0xffffffff81000000      0x300
                0xffffffff81000000                _text = .
 *(.head.text)
 .head.text     0xffffffff81000000       0x40 arch/x86/kernel/head_64.o
                0xffffffff81000000                startup_64
 .text          0xffffffff81000040       0x60 fs/ext4/inode.o
                0xffffffff81000040                ext4_get_block
 .text.a_name_that_is_too_long_for_its_column
                0xffffffff810000a0       0x20 fs/ext4/inode.o
 *fill*         0xffffffff810000c0       0x40 cc
 .text          0xffffffff81000100       0x80 lib/lib.a(bug.o)
 .text          0xffffffff81000180        0x0 kernel/empty.o

.rodata         0xffffffff81400000       0x10
 .rodata        0xffffffff81400000       0x10 fs/ext4/inode.o

.init.text      0xffffffff81500000       0x20
 .init.text     0xffffffff81500000       0x20 fs/ext4/super.o

.bss            0xffffffff81600000      0x100
 .bss           0xffffffff81600000      0x100 kernel/fork.o

.comment        0x0000000000000000       0x1f
 .comment       0x0000000000000000       0x1f init/main.o

.debug_info     0x0000000000000000      0x900
 .debug_info    0x0000000000000000      0x900 init/main.o

/DISCARD/
 .discard.x     0x0000000000000000       0x30 init/main.o
OUTPUT(vmlinux elf64-x86-64)
"""

LLD = """\
             VMA              LMA     Size Align Out     In      Symbol
ffffffff81000000          1000000      300  4096 .text
ffffffff81000000          1000000       40    16         arch/x86/kernel/head_64.o:(.head.text)
ffffffff81000000          1000000        0     1                 startup_64
ffffffff81000040          1000040       80    16         vmlinux.a(fs/ext4/inode.o):(.text)
ffffffff81000300          1000300        0     1 _etext = .
ffffffff81600000          1600000      100     1 .bss
ffffffff81600000          1600000      100     1         kernel/fork.o:(.bss)
               0                0       1f     1 .comment
               0                0       1f     1         init/main.o:(.comment)
"""


def test_a_map_of_gnu() -> None:
    sections, pieces = linked(GNU)
    assert [(each.name, each.size, each.kind) for each in sections] == [
        (".text", 0x300, "code"),
        (".rodata", 0x10, "data"),
        (".init.text", 0x20, "start"),
        (".bss", 0x100, "bss"),
    ]
    assert [(piece.section.name, piece.size, piece.object) for piece in pieces] == [
        (".text", 0x40, "arch/x86/kernel/head_64.o"),
        (".text", 0x60, "fs/ext4/inode.o"),
        (".text", 0x20, "fs/ext4/inode.o"),
        (".text", 0x40, NOBODY),
        (".text", 0x80, "lib/bug.o"),
        (".rodata", 0x10, "fs/ext4/inode.o"),
        (".init.text", 0x20, "fs/ext4/super.o"),
        (".bss", 0x100, "kernel/fork.o"),
    ]
    assert pieces[2].address == 0xFFFFFFFF810000A0


def test_a_map_of_lld() -> None:
    sections, pieces = linked(LLD)
    assert [(each.name, each.kind) for each in sections] == [(".text", "code"), (".bss", "bss")]
    assert [(piece.address, piece.size, piece.object) for piece in pieces] == [
        (0xFFFFFFFF81000000, 0x40, "arch/x86/kernel/head_64.o"),
        (0xFFFFFFFF81000040, 0x80, "fs/ext4/inode.o"),
        (0xFFFFFFFF81600000, 0x100, "kernel/fork.o"),
    ]


MAKEFILES = {
    "Kbuild": "obj-y += init/\nobj-y += kernel/ fs/\nobj-$(CONFIG_NET) += net/\n",
    "Makefile": "drivers-$(CONFIG_FW) += firmware/x/\n",
    "arch/x86/Makefile": "core-y += arch/x86/\nlibs-y += arch/x86/lib/\n",
    "arch/x86/Kbuild": "obj-$(CONFIG_PERF_EVENTS) += events/\n",
    "arch/x86/lib/Makefile": "lib-y := a.o\n",
    "fs/Makefile": """\
obj-y := open.o \\
         read.o   # a comment
obj-$(CONFIG_EPOLL) += eventpoll.o
ifeq ($(CONFIG_BLOCK),y)
obj-y += buffer.o
else
obj-y += nobuffer.o
endif
ifdef CONFIG_PROC
obj-y += proc/
endif
ifndef CONFIG_PROC
obj-y += none.o
endif
ifneq ($(CONFIG_A)$(CONFIG_B),)
obj-y += both.o
endif
ifneq ($(CONFIG_C),)
obj-y += c.o
else ifdef CONFIG_D
obj-y += d.o
endif
obj-$(CONFIG_EXT4_FS) += ext4/
obj-$(CONFIG_OFF) += twice.o
obj-$(CONFIG_EPOLL) += twice.o
obj-$(subst m,y,$(CONFIG_SUB)) += sub.o
obj-y += $(COMPUTED).o
""",
    "fs/ext4/Makefile": """\
obj-$(CONFIG_EXT4_FS) += ext4.o
ext4-y := inode.o super.o
ext4-$(CONFIG_EXT4_FS_SECURITY) += security.o
ext4-objs += old.o
""",
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for name, text in MAKEFILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Tree(tmp_path, "x86", frozenset({"EXT4_FS", "EXT4_FS_SECURITY", "EPOLL", "PROC"}))


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("fs/open.o", ()),
        ("fs/read.o", ()),
        ("fs/eventpoll.o", ("EPOLL",)),
        ("fs/buffer.o", ("BLOCK",)),
        ("fs/nobuffer.o", ()),
        ("fs/none.o", ()),
        ("fs/both.o", ()),
        ("fs/c.o", ("C",)),
        ("fs/d.o", ("D",)),
        ("fs/proc/inode.o", ("PROC",)),
        ("fs/ext4/inode.o", ("EXT4_FS",)),
        ("fs/ext4/old.o", ("EXT4_FS",)),
        ("fs/ext4/security.o", ("EXT4_FS", "EXT4_FS_SECURITY")),
        ("fs/ext4/unlisted.o", ("EXT4_FS",)),
        ("fs/twice.o", ("EPOLL",)),
        ("fs/sub.o", ("SUB",)),
        ("net/core/sock.o", ("NET",)),
        ("arch/x86/events/intel.o", ("PERF_EVENTS",)),
        ("arch/x86/lib/a.o", ()),
        ("firmware/x/y.o", ("FW",)),
        ("init/main.o", ()),
        ("nowhere/a.o", ()),
    ],
)
def test_the_options_of_an_object(tree: Tree, path: str, options: tuple[str, ...]) -> None:
    assert tree.options(path) == options


def test_a_makefile_that_is_a_riddle() -> None:
    assert list(words_of("endif\nelse\nobj-y += a.o\nobj-y\n= b.o\n")) == [
        ("a.o", sizes.Listed("obj", ()))
    ]


def test_the_command(tree: Tree, tmp_path: Path) -> None:
    measured = tmp_path / "measured"
    measured.mkdir()
    (measured / "vmlinux.map").write_text(GNU)
    (measured / "kernel").write_bytes(b"k" * 7)
    (tmp_path / ".config").write_text(
        "CONFIG_EXT4_FS=y\nCONFIG_RANDOMIZE_BASE=y\n# CONFIG_X is not set\n"
    )
    out = tmp_path / "out.json"
    arguments = {"source": tmp_path, "srcarch": "x86", "config": tmp_path / ".config"}
    arguments |= {"measured": measured, "out": out}
    words = [word for name, value in arguments.items() for word in (f"--{name}", str(value))]
    assert sizes.main(words) == 0
    said = json.loads(out.read_text())
    assert (said["file"], said["random"], said["version"]) == (7, True, sizes.VERSION)
    assert said["objects"][1] == {
        "path": "fs/ext4/inode.o",
        "code": 0x80,
        "data": 0x10,
        "bss": 0,
        "start": 0,
        "options": ["EXT4_FS"],
    }
    head, inode, bug, super_ = said["ranges"]
    assert inode == [0xFFFFFFFF81000040, 0x80, 1, 0], "pieces side by side are one range"
    assert head[2:] + bug[2:] == [0, 0, 3, 0]
    assert super_ == [0xFFFFFFFF81500000, 0x20, 4, 1]


def test_a_kernel_of_one_object(tree: Tree, tmp_path: Path) -> None:
    """With IBT or LTO the last link takes vmlinux.o alone."""
    (tmp_path / "kernel").write_bytes(b"")
    (tmp_path / "vmlinux.map").write_text(
        "Linker script and memory map\n\n"
        ".text           0xffffffff81000000      0x100\n"
        " .text          0xffffffff81000000      0x100 vmlinux.o\n"
    )
    (tmp_path / "vmlinux.o.map").write_text(GNU)
    said = sizes.sizes(tmp_path, tree)
    objects = said["objects"]
    assert isinstance(objects, list)
    assert "fs/ext4/inode.o" in [each["path"] for each in objects]
    assert [each["size"] for each in said["sections"]] == [0x100]  # type: ignore[attr-defined]
