"""Rumprun through the real BuildKit, with trees that answer like its own and Solo5's.

What is real: Debian's compiler, mounts, caches, networks, image, annotations. The kernels boot
nothing (trees/README.md); docs/verified.md has what was built of the real ones.
"""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from frameworks.architectures import ARM64
from tests.integration.harness import Builder
from tests.integration.harness.trees import RAW, build_contexts, section, steps
from tests.places import TREES

pytestmark = pytest.mark.integration

RUMPRUN = """\
version: v1
platforms: {framework: rumprun, monitor: spt}
kernel: {from: source}
app: {from: local, path: app, build: $CC -o server server.c}
"""
DISK = "rootfs: {type: block, include: [app/server.c:/server.c]}\n"
NETBSD = "[rumprun] build NetBSD's drivers and C library"
PLATFORM = "[rumprun] build Rumprun for Solo5"


@pytest.fixture
def application(project: Path) -> Path:
    (project / "app").mkdir()
    (project / "app" / "server.c").write_text("int main(void) { return 0; }\n")
    return project


def contexts(**others: Path) -> tuple[str, ...]:
    return build_contexts({name: TREES / name for name in ("solo5", "rumprun")} | others)


def test_the_image(builder: Builder, application: Path) -> None:
    """What the runtime reads, and how the toolchain was called: for the one file, one build."""
    text = RUMPRUN + DISK + 'cmd: ["server", "a b"]\nenvs: [A=b]\n'
    packed = builder.read(builder.build(application, text, *contexts()).ref)
    builder.check_keys(packed)
    assert packed.keys == {
        "unikernelType": "rumprun",
        "hypervisor": "spt",
        "binary": "/.boot/kernel",
        "cmdline": "server a b",
        "mountRootfs": "false",
        "block": "/.boot/rootfs",
        "blkMntPoint": "/data",
    }
    noted = section(packed.read("/.boot/kernel"), ".record").splitlines()
    assert noted == [
        "build-rr.sh called: -q -d /opt/rumprun -o /obj solo5 build -- -V NOGCCERROR=1"
        " -F CFLAGS=-fcommon",
        "build-rr.sh compiler: gcc 12, flags of tools: -O -fcommon",
        "build-rr.sh threads: yes",
        "build-rr.sh epoch: 315532800",
        "build-rr.sh network: lo ",
        "buildrump.sh: of the tree",
        "RUMPDEVCOMP= bpf disk RUMPUSBDEVS= RUMPFSCOMP= ext2fs ffs RUMPNETCOMP= net netinet "
        "netinet6 ",
        "platform: links",
        "platform: boot.c cons.c glue.h kernel.c machdep.c rumpukvm_bio.c solo5.h ukvmif_user.c ",
        "3",
        "bindings for spt",
        "bindings for hvt",
        "baked: solo5_net_block -lrumpvfs -lrumpnet_ukvmif -lrumpvfs -lrumpdev_disk"
        " -lrumpfs_ext2fs -lrumpdev_vnd"
        " -lsolo5_spt manifest.o -Wl,-T,/opt/solo5/lib/x86_64-solo5-none-static/solo5_spt.lds"
        " -Wl,-z,noexecstack,--eh-frame-hdr",
        "program: server",
    ]


def test_another_architecture(builder: Builder, application: Path) -> None:
    """By the cross compiler: its objcopy, too, and nothing that would call for its libgcc."""
    made = builder.export(application, RUMPRUN, "kernel", *contexts(), "--platform", "linux/arm64")
    assert int.from_bytes(made[18:20], "little") == ARM64.elf
    noted = section(made, ".record").splitlines()
    assert noted[0] == (
        "build-rr.sh called: -q -d /opt/rumprun -o /obj solo5 build -- -V NOGCCERROR=1"
        " -F CFLAGS=-fcommon -F CFLAGS=-mno-outline-atomics"
    )
    assert noted[1] == "build-rr.sh compiler: aarch64-linux-gnu-gcc 12, flags of tools: -O -fcommon"


def test_a_newer_compiler(builder: Builder, application: Path) -> None:
    """What it makes errors of is none, for the guest and for the tools."""
    text = RUMPRUN + "toolchain: {from: debian:trixie-slim}\n"
    noted = section(builder.export(application, text, "kernel", *contexts()), ".record")
    called, compiler, *_ = noted.splitlines()
    assert called.endswith(" -F CFLAGS=-fcommon -F CFLAGS=-fpermissive")
    assert compiler == "build-rr.sh compiler: gcc 14, flags of tools: -O -fcommon -fpermissive"


def test_what_builds_what_anew(builder: Builder, application: Path) -> None:
    """A changed program bakes anew; the bytes return; another Solo5 leaves NetBSD as it is."""
    first = builder.build(application, RUMPRUN, RAW, *contexts(), epoch=1)
    before = builder.read(first.ref).read("/.boot/kernel")
    # Unlike any before it: an engine may have built for these tests already.
    changed = f"int main(void) {{ return 1; }} /* {uuid.uuid4()} */\n"
    (application / "app" / "server.c").write_text(changed)
    second = builder.build(application, RUMPRUN, RAW, *contexts(), epoch=2)
    ran = steps(second)
    assert not ran.get(NETBSD)
    assert not ran.get(PLATFORM)
    assert ran["[rumprun] bake for Solo5's spt"]
    assert (
        builder.export(application, RUMPRUN, "kernel", *contexts(), "--no-cache-filter", "kernel")
        == before
    )
    shutil.copytree(TREES / "solo5", application / "newer")
    (application / "newer" / "include" / "solo5.h").write_text(f"/* {uuid.uuid4()} */\n")
    third = builder.build(application, RUMPRUN, RAW, *contexts(solo5=application / "newer"))
    ran = steps(third)
    assert not ran.get(NETBSD)
    assert ran[PLATFORM]


def test_configurations(builder: Builder, application: Path) -> None:
    """Another configuration, components, a file of configurations, another tender."""
    (application / "mine.conf").write_text(
        "version 20160209\nconf solo5_mine\ncreate mine\nassimilate solo5_plain\nfnoc\n"
    )
    text = RUMPRUN.replace(
        "from: source",
        "from: source, config: solo5_mine, fragments: [mine.conf], "
        "options: {rumpfs_kernfs: true, rumpvfs: false}",
    ).replace("spt", "hvt")
    noted = section(builder.export(application, text, "kernel", *contexts()), ".record")
    assert "baked: solo5_mine -lrumpfs_kernfs -lsolo5_hvt manifest.o" in noted
    text = RUMPRUN.replace("monitor: spt", "monitor: hvt")
    text = text.replace("from: source", "from: source, config: solo5_spt")
    noted = section(builder.export(application, text, "kernel", *contexts()), ".record")
    assert (
        "baked: solo5_spt -lrumpvfs -lrumpdev_disk -lrumpfs_ext2fs -lrumpnet_ukvmif -lsolo5_hvt"
        in noted
    )


def test_the_program(builder: Builder, application: Path) -> None:
    """Of several it is the one that the command names; other programs are none."""
    text = RUMPRUN.replace(
        "$CC -o server server.c",
        "mkdir bin && $CC -o bin/server server.c && $CC -o client server.c && cp /bin/true tool",
    )
    noted = section(
        builder.export(application, text + "cmd: [/usr/bin/server]\n", "kernel", *contexts()),
        ".record",
    )
    assert noted.endswith("program: bin/server\n")


def test_parts_of_the_tree(builder: Builder, application: Path) -> None:
    """A tree without its submodules, and build contexts for them."""
    bare = application / "bare"
    shutil.copytree(TREES / "rumprun", bare)
    for part in ("src-netbsd", "buildrump.sh"):
        shutil.move(bare / part, application / part)
    (application / "buildrump.sh" / "buildrump.sh").write_text("of a context\n")
    failed = builder.fail(application, RUMPRUN, *contexts(rumprun=bare))
    assert "is no Rumprun tree with Solo5: there is no src-netbsd/build.sh in it" in failed.error
    assert "(its git submodule has it, or '--build-context src-netbsd=...')" in failed.error
    given = {"rumprun": bare, "src-netbsd": application / "src-netbsd"}
    failed = builder.fail(application, RUMPRUN, *contexts(**given))
    assert "there is no buildrump.sh/buildrump.sh in it (its git submodule" in failed.error
    given["buildrump"] = application / "buildrump.sh"
    noted = section(builder.export(application, RUMPRUN, "kernel", *contexts(**given)), ".record")
    assert "buildrump.sh: of a context\n" in noted
    failed = builder.fail(application, RUMPRUN, *contexts(rumprun=TREES / "ocaml"))
    assert "the build context 'rumprun' is no Rumprun tree with Solo5: there is no build-rr.sh" in (
        failed.error
    )


def test_a_source_of_the_users(builder: Builder, application: Path) -> None:
    """`kernel.source` is Rumprun's tree; a build context stands in for it, as for all of a file."""
    shutil.copytree(TREES / "rumprun", application / "tree")
    (application / "tree" / "buildrump.sh" / "buildrump.sh").write_text("of the file\n")
    text = RUMPRUN.replace("from: source", "from: source, source: {local: tree}")
    solo5 = build_contexts({"solo5": TREES / "solo5"})
    made = builder.export(application, text, "kernel", *solo5)
    assert "buildrump.sh: of the file\n" in section(made, ".record")
    made = builder.export(application, text, "kernel", *contexts())
    assert "buildrump.sh: of the file\n" not in section(made, ".record")


def test_a_compiler_that_fails(builder: Builder, application: Path) -> None:
    failed = builder.fail(application, RUMPRUN.replace("server.c}", "lost.c}"), *contexts())
    assert "lost.c: No such file or directory" in failed.log
    assert failed.marked == ["app: {from: local, path: app, build: $CC -o server lost.c}"]
