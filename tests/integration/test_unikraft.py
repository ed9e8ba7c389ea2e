"""Unikraft through the real BuildKit, with trees that answer like its core and its libraries.

What is real: sources, toolchain, configuration and its check, mounts, networks, image, annotations.
The kernels boot nothing (trees/README.md); docs/verified.md has what was built of the real ones.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.harness import Builder
from tests.integration.harness.trees import build_contexts, section
from tests.places import TREES

pytestmark = pytest.mark.integration

HELLO = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: source}
app: {from: local, path: app}
"""
LOADER = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: source}
app:
  build: $CC -static-pie -o hello hello.c
  artifacts: ["hello:/hello"]
cmd: [/hello, one]
envs: {A: b}
"""
TOLD = "1980-01-01T00:00:00+00:00 hutch@buildkit"


@pytest.fixture
def application(project: Path) -> Path:
    shutil.copytree(TREES / "unikraft" / "app", project / "app")
    (project / "hello.c").write_text("int main(void) { return 0; }\n")
    return project


def contexts(**instead: Path) -> tuple[str, ...]:
    """The options that name the trees."""
    folder = TREES / "unikraft"
    names = ("app-elfloader", "lib-libelf", "lib-lwip", "lwip")
    trees = {"unikraft": folder / "core", **{name: folder / name for name in names}}
    trees |= {name.replace("_", "-"): path for name, path in instead.items()}
    return build_contexts(trees)


def test_an_application_in_the_kernel(builder: Builder, application: Path) -> None:
    """How make was called, what it could see, and what the runtime reads; twice the same bytes."""
    text = HELLO.replace("path: app", "path: app, libraries: [lwip, mine]").replace(
        "from: source", "from: source, options: {LIBMINE: true, APPHELLO_LOUD: true}"
    )
    mine = contexts(lib_mine=TREES / "unikraft" / "lib-mine")
    packed = builder.read(builder.build(application, text + "cmd: [a, word]\n", *mine).ref)
    builder.check_keys(packed)
    assert packed.keys == {
        "unikernelType": "unikraft",
        "hypervisor": "qemu",
        "binary": "/.boot/kernel",
        "cmdline": "a word",
        "mountRootfs": "false",
    }
    called = "A=/src/app L=/src/libs/lwip:/src/libs/mine O=/o C=/o/.config"
    made = packed.read("/.boot/kernel")
    assert section(made, ".record").splitlines() == [
        f"make called: {called}",
        "make compiler: x86_64-linux-gnu-gcc",
        "make network: lo ",
        f"make told: {TOLD}",
        "source of liblwip: the fork of lwIP, taken for UNIKRAFT-2_1_x.zip",
        "application: the application",
        "end: shutdown_req(UKPLAT_HALT)",
        "page fault: vaddr, ctx->esr",
        "for arm64: clone.c epoll.h exceptions.S stat.h syscall_ctx.S syscall_prologue.h "
        "traps_arm64.c ",
        "driver: virtio_net_config, mtu",
        f"# defconfig called: {called}",
        "# defconfig compiler: x86_64-linux-gnu-gcc",
        "# defconfig network: lo ",
        "CONFIG_PLAT_KVM=y",
        "CONFIG_LIBUKLIBPARAM=y",
        "CONFIG_ARCH_X86_64=y",
        "CONFIG_KVM_VMM_QEMU=y",
        "CONFIG_LIBLWIP=y",
        "CONFIG_LIBUKNETDEV_EINFO_LIBPARAM=y",
        "CONFIG_LIBMINE=y",
        "CONFIG_APPHELLO_LOUD=y",
    ]
    lib = ("--build-context", f"lib-mine={TREES / 'unikraft' / 'lib-mine'}")
    assert (
        builder.export(
            application, text, "kernel", *contexts(), *lib, "--no-cache-filter", "kernel"
        )
        == made
    )


def test_a_program_on_the_loader(builder: Builder, application: Path) -> None:
    """A program that the toolchain made is in the root, and not in the kernel."""
    packed = builder.read(builder.build(application, LOADER, *contexts()).ref)
    builder.check_keys(packed)
    assert packed.keys == {
        "unikernelType": "unikraft",
        "hypervisor": "qemu",
        "binary": "/.boot/kernel",
        "initrd": "/.boot/rootfs",
        "cmdline": "/hello one",
        "mountRootfs": "false",
    }
    noted = section(packed.read("/.boot/kernel"), ".record")
    assert "make called: A=/src/app L=/src/libs/libelf:/src/libs/lwip " in noted
    assert "application: the loader\n" in noted
    for option in ("LIBPOSIX_ENVIRON_LIBPARAM", "LIBVFSCORE_AUTOMOUNT_CI_RAMFS", "LIBLWIP"):
        assert f"CONFIG_{option}=y\n" in noted
    other = LOADER.replace("one]", "two]").replace("return 0", "return 1")
    assert builder.export(application, other, "kernel", *contexts()) == packed.read("/.boot/kernel")


def test_another_machine(builder: Builder, application: Path) -> None:
    """Firecracker, and arm64 by the cross compiler; a core of 0.17 has what its libraries lack."""
    text = LOADER.replace("qemu", "firecracker")
    noted = section(builder.export(application, text, "kernel", *contexts()), ".record")
    assert "CONFIG_KVM_VMM_FIRECRACKER=y\n" in noted
    assert "random: swrand.h" not in noted
    newer = application / "newer"
    shutil.copytree(TREES / "unikraft" / "core", newer)
    version = (newer / "version.mk").read_text().replace("SUBVERSION = 16", "SUBVERSION = 17")
    (newer / "version.mk").write_text(version)
    trees = contexts(unikraft=newer)
    made = builder.export(application, HELLO, "kernel", *trees, "--platform", "linux/arm64")
    assert b"random: swrand.h\nthreads: arch_prctl.c\n" in made
    assert b"since 0.17: pci_bus.c pci_ecam.c thread.c traps_arm64.c \n" in made
    assert made[56:60] == b"ARM\x64"
    assert b"make compiler: aarch64-linux-gnu-gcc\n" in made
    assert b"CONFIG_ARCH_ARM_64=y\n" in made


def test_trees_that_are_none(builder: Builder, application: Path) -> None:
    (application / "other").mkdir()
    (application / "other" / "README").write_text("nothing\n")
    other = application / "other"
    failed = builder.fail(application, HELLO, *contexts(unikraft=other))
    assert "the build context 'unikraft' is no Unikraft tree: there is no version.mk in it" in (
        failed.error
    )
    assert failed.marked == ["kernel: {from: source}"]
    text = HELLO.replace("path: app", "path: app, libraries: [lwip]")
    failed = builder.fail(application, text, *contexts(lib_lwip=other))
    assert "the build context 'lib-lwip' is no Unikraft library: there is no Makefile.uk" in (
        failed.error
    )
    # What is no directory of the client's is seen by the step that builds it.
    image = builder.push(application, "FROM scratch\nCOPY other/README /\n")
    failed = builder.fail(
        application, HELLO, *contexts(), "--build-context", f"unikraft=docker-image://{image}"
    )
    assert "hutch: the source is no Unikraft tree: there is no version.mk" in failed.log
    assert "[wrong-source]" in failed.error


def test_an_application_that_is_none(builder: Builder, application: Path) -> None:
    """Seen before a core is taken for it; what a script may bring is looked for by a step."""
    (application / "app" / "Makefile.uk").unlink()
    taken = "[context unikraft] load from client"
    late = builder.fail(
        application, HELLO.replace("path: app", "path: app, fetch: ls"), *contexts()
    )
    assert taken in late.log
    failed = builder.fail(application, HELLO, *contexts())
    assert taken not in failed.log
    assert failed.error == late.error
    assert "the application is no Unikraft library: it has no Makefile.uk" in failed.error
    assert "[not-an-application]" in failed.error
    assert failed.marked == ["app: {from: local, path: app}"]


def test_a_compile_that_fails_is_at_the_applications_line(
    builder: Builder, application: Path
) -> None:
    (application / "app" / "note").unlink()
    failed = builder.fail(application, HELLO, *contexts())
    assert "note: No such file or directory" in failed.log
    assert failed.marked == ["app: {from: local, path: app}"]
