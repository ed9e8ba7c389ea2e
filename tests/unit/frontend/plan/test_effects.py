"""No key of a bunnyfile is without effect and without a word."""

from __future__ import annotations

import pytest

from frameworks.diagnostics import Problems
from frontend.bunnyfile import load, schema
from frontend.bunnyfile.reference import keys
from frontend.plan import effects, make
from llb import Platform

HEAD = "version: v1\nplatforms: {framework: FRAMEWORK, monitor: MONITOR}\n"
PREBUILT = "kernel: {from: local, path: k}\n"
TREE = "rootfs: {include: [a]}\n"
APP = "app: {build: make, artifacts: ['a:/a']}\n"


def noted(text: str, framework: str = "linux", monitor: str = "qemu") -> list[str]:
    """The messages about idle keys, errors too, each with its line."""
    source = HEAD.replace("FRAMEWORK", framework).replace("MONITOR", monitor) + text
    loaded = load(source.encode(), "bunnyfile")
    try:
        found = make(loaded.bunnyfile, loaded.file, Platform("linux", "amd64")).warnings
    except Problems as problems:
        found = problems.diagnostics
    return [f"{each.at.start.line if each.at else 0}: {each.message}" for each in found]


def test_every_key_of_the_schema_is_judged() -> None:
    """A new key needs a row in `effects.KEYS`, or a place in `effects.ALWAYS`."""
    known = {*effects.KEYS, *effects.ALWAYS}
    assert {name for name, _ in keys(schema("v1"))} == known
    assert not effects.ALWAYS & set(effects.KEYS)


@pytest.mark.parametrize(
    ("text", "framework", "monitor", "line", "what"),
    [
        (PREBUILT + "toolchain: {from: 'debian:12'}\n", "linux", "qemu", 4, "'toolchain.from'"),
        (PREBUILT + "toolchain: {packages: [a]}\n", "linux", "qemu", 4, "'toolchain.packages'"),
        ("kernel: {from: local, path: k, cmdline: x}\n", "linux", "qemu", 3, "'kernel.cmdline'"),
        ("kernel: {from: source, cmdline: x}\n", "freebsd", "qemu", 3, "'kernel.cmdline'"),
        ("app: {packages: [x], artifacts: ['a:/a']}\n", "linux", "qemu", 3, "'app.packages'"),
        ("app: {secrets: [x], artifacts: ['a:/a']}\n", "linux", "qemu", 3, "'app.secrets'"),
        ("app: {ssh: [x], build: m, artifacts: ['a:/a']}\n", "linux", "qemu", 3, "'app.ssh'"),
        ("app: {build: make}\n" + TREE, "linux", "qemu", 3, "'app.build'"),
        (APP + "rootfs: {from: local, path: r.cpio}\n", "linux", "qemu", 3, "'app.artifacts'"),
        ("app: {options: {k: v}}\n", "linux", "qemu", 3, "'app.options'"),
        ("rootfs: {from: 'a:1', type: none}\n", "linux", "qemu", 3, "'rootfs.from'"),
        ("rootfs: {dockerfile: D, target: t, type: none}\n", "linux", "qemu", 3, "'rootfs.target'"),
        ("rootfs: {include: [a], size: 1G}\n", "linux", "qemu", 3, "'rootfs.size'"),
        (
            "rootfs: {include: [a], type: block, filesystem: squashfs, size: 1G}\n",
            *("linux", "qemu", 3, "'rootfs.size' is not used: a squashfs image is as large as"),
        ),
        ("rootfs: {include: [a], mount: /d}\n", "linux", "qemu", 3, "'rootfs.mount'"),
        (
            "rootfs: {from: local, path: r, type: block, filesystem: ext4}\n",
            *("linux", "qemu", 3, "'rootfs.filesystem'"),
        ),
        (PREBUILT + TREE + "init: /sbin/init\n", "unikraft", "qemu", 5, "'init'"),
        ("init: /i\n", "linux", "qemu", 3, "'init'"),
        (
            "rootfs: {dockerfile: D, args: {A: b}, type: none}\n",
            *("linux", "qemu", 3, "'rootfs.args'"),
        ),
        (PREBUILT + "cmd: [a]\n", "mewz", "qemu", 4, "'cmd'"),
        (PREBUILT + "entrypoint: [a]\n", "mewz", "qemu", 4, "'entrypoint'"),
        (PREBUILT + "envs: [A=b]\n", "mirage", "hvt", 4, "'envs'"),
        (PREBUILT + "workdir: /a\n", "hermit", "qemu", 4, "'workdir'"),
        (PREBUILT + "volumes: [/data]\n", "mirage", "spt", 4, "'volumes' is not used: urunc"),
        (PREBUILT + "volumes: [/data]\n", "mirage", "qemu", 4, "'volumes'"),
        (PREBUILT + "volumes: [/data]\n", "rumprun", "hvt", 4, "'volumes'"),
        (PREBUILT + TREE + "volumes: [/d]\n", "unikraft", "qemu", 5, "'volumes'"),
        (
            "app: {build: make, sysroot: source, artifacts: ['a:/a']}\n",
            *("linux", "qemu", 3, "'app.sysroot' is not used: compilers for linux guests have"),
        ),
        (
            "app: {sysroot: 'a:1', artifacts: ['a:/a']}\n",
            *("freebsd", "qemu", 3, "'app.sysroot'"),
        ),
        (
            "kernel: {from: source}\napp: {libraries: [lwip]}\n",
            *("mirage", "spt", 4, "'app.libraries' is not used: nothing is linked into mirage"),
        ),
        (
            "kernel: {from: source}\napp: {libraries: [lwip], artifacts: ['a:/a']}\n",
            *("unikraft", "qemu", 4, "'app.libraries' is not used: the application is a program"),
        ),
    ],
)
def test_an_idle_key(text: str, framework: str, monitor: str, line: int, what: str) -> None:
    found = noted(text, framework, monitor)
    assert any(each.startswith(f"{line}: {what} ") for each in found), found


def test_every_row_is_tried() -> None:
    (mark,) = test_an_idle_key.pytestmark  # type: ignore[attr-defined]
    tried = {row[4].split("'")[1] for row in mark.args[1]}
    assert set(effects.KEYS) - tried == {"rootfs.dockerfile"}  # beside its target


@pytest.mark.parametrize(
    "text",
    [
        "toolchain: {packages: [a]}\ncmd: [a]\n",
        "kernel: {from: source, cmdline: quiet}\n",
        PREBUILT + APP + "toolchain: {packages: [a]}\n",
        "app: {packages: [x], secrets: [y], ssh: [z], fetch: f, artifacts: ['a:/a']}\n",
        "rootfs: {include: [a], type: block, filesystem: ext4, size: 1G, mount: /}\n",
        "rootfs: {from: local, path: r.ext4, mount: /}\n",
        TREE + "init: /sbin/init\n",
        "rootfs: {from: local, path: r.cpio}\ninit: /i\n",
        TREE + "cmd: [a]\nentrypoint: [b]\nenvs: [A=b]\nworkdir: /a\nuser: '1'\n",
    ],
)
def test_keys_that_are_used(text: str) -> None:
    assert noted(text) == []


@pytest.mark.parametrize(
    ("root", "framework", "monitor"),
    [
        (TREE, "linux", "qemu"),
        ("rootfs: {include: [a], type: raw}\n", "unikraft", "qemu"),
        ("", "generic", "qemu"),
    ],
)
def test_volumes_that_the_runtime_attaches(root: str, framework: str, monitor: str) -> None:
    """A root that is shared has them in it, also without an init."""
    assert noted(PREBUILT + root + "volumes: [/data]\ncmd: [a]\n", framework, monitor) == []


def test_an_application_that_becomes_the_kernel_is_used_whole() -> None:
    source = "kernel: {from: source}\n"
    assert noted(source + "app: {packages: [x]}\n", "mirage", "spt") == []
    assert noted(source + "app: {build: make}\n", "mirage", "spt") == []
    assert noted(source + "app: {libraries: [lwip]}\n", "unikraft", "qemu") == []
    (found,) = noted(source + "app: {secrets: [x]}\n", "mirage", "spt")
    assert "'app.secrets'" in found
