"""Images that boot: built by docker, read from the registry, started under QEMU as urunc would.

The application prints its arguments, environment and user; what it says is what is checked.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworks.runtime.machine import Machine
from frameworks.runtime.urunc.versions import NEXT
from tests.integration.harness import Builder, Guests, printed

pytestmark = pytest.mark.integration

V01 = """
version: v0.1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: vmlinuz}}
rootfs: {{type: {type}, include: ["hello:/sbin/hello"]}}
envs: [GREETING=hello, "ODD=x=y"]
cmd: [/sbin/hello, one, --two=2]
"""

V1 = """
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: vmlinuz}}
rootfs:
  type: {type}
  include: ["hello:/sbin/hello"]
{more}
user: "1000:100"
workdir: /sbin
envs: {{GREETING: "hello  there", QUOTES: "'a' \\"b\\" $c"}}
cmd: {cmd}
"""

WORDS = ["hello", "a  b", "it's", '"x y"', "", "--last=$1"]


@pytest.fixture
def small(project: Path, linux: Guests) -> Path:
    """A context with the kernel that has every driver."""
    shutil.copy(linux.kernel, project / "vmlinuz")
    shutil.copy(linux.hello, project / "hello")
    return project


def test_an_initrd_on_debians_kernel(
    builder: Builder, project: Path, linux: Guests, booted: Callable[..., str]
) -> None:
    shutil.copy(linux.debian, project / "vmlinuz")
    shutil.copy(linux.hello, project / "hello")
    done = builder.build(project, V01.format(type="initrd"))
    output = booted(done.ref)
    assert "-cloud-amd64 (x86_64)" in output
    assert printed(output) == [
        "uid: 0",
        "argument 0: /sbin/hello",
        "argument 1: one",
        "argument 2: --two=2",
        "environment: HOME=/",
        "environment: TERM=linux",
        "environment: GREETING=hello",
        "environment: ODD=x=y",
    ]


def test_an_initrd_on_arm64(
    builder: Builder, project: Path, linux_arm64: Path, booted: Callable[..., str]
) -> None:
    for name in ("vmlinuz", "hello"):
        shutil.copy(linux_arm64 / name, project / name)
    done = builder.build(project, V01.format(type="initrd"), "--platform", "linux/arm64")
    assert str(builder.read(done.ref).image.platform) == "linux/arm64"
    output = booted(done.ref, timeout=180)
    assert "-cloud-arm64 (aarch64)" in output
    assert "argument 2: --two=2" in printed(output)


@pytest.mark.parametrize("kind", ["initrd", "block", "raw"])
def test_v01(builder: Builder, small: Path, booted: Callable[..., str], kind: str) -> None:
    output = booted(builder.build(small, V01.format(type=kind)).ref)
    assert "argument 1: one" in printed(output)
    assert "environment: GREETING=hello" in printed(output)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("initrd", ""),
        ("raw", ""),
        ("block", "  filesystem: ext4"),
        ("block", "  filesystem: ext2"),
        ("block", "  filesystem: squashfs"),
        ("block", "  filesystem: erofs"),
    ],
)
def test_v1_with_init(
    builder: Builder, small: Path, booted: Callable[..., str], kind: str, more: str
) -> None:
    """hutch's own init keeps arguments whole, and sets user, directory and environment."""
    text = V1.format(type=kind, more=more, cmd=json.dumps(["/sbin/hello", *WORDS]))
    output = booted(builder.build(small, text).ref)
    lines = printed(output)
    assert lines[0] == "uid: 1000"
    assert lines[1] == "argument 0: /sbin/hello"
    assert lines[2:8] == [f"argument {n + 1}: {word}" for n, word in enumerate(WORDS)]
    assert "environment: GREETING=hello  there" in lines
    assert "environment: QUOTES='a' \"b\" $c" in lines
    assert "exit status 0" in output
    assert not [line for line in output.splitlines() if "nknown parameter" in line]


@pytest.mark.parametrize("kind", ["initrd", "block"])
def test_the_urunc_that_is_to_come(
    builder: Builder, small: Path, booted: Callable[..., str], kind: str
) -> None:
    """A virtio console, and a configuration in which a value may hold whatever it wants."""
    text = V1.format(type=kind, more="", cmd=json.dumps(["/sbin/hello", *WORDS]))
    key = "-----BEGIN KEY-----\nUEE\nA=b\n-----END KEY-----"
    machine = Machine(version=NEXT.name)
    output = booted(builder.build(small, text).ref, machine=machine, env={"KEY": key})
    lines = printed(output)
    assert lines[2:8] == [f"argument {n + 1}: {word}" for n, word in enumerate(WORDS)]
    assert f"environment: KEY={key}\n" in output
    assert "exit status 0" in output


@pytest.mark.parametrize("source", ["annotations", "labels", "urunc.json"])
def test_each_source_of_the_keys_is_enough(
    builder: Builder, small: Path, booted: Callable[..., str], source: str
) -> None:
    done = builder.build(small, V01.format(type="initrd"))
    assert "argument 1: one" in printed(booted(done.ref, source=source))


def test_an_image_from_old_docker(
    old_builder: Builder, small: Path, booted: Callable[..., str]
) -> None:
    done = old_builder.build(small, V01.format(type="block"))
    old_builder.check_keys(old_builder.read(done.ref))
    assert "argument 2: --two=2" in printed(booted(done.ref))


def test_another_command_and_environment(
    builder: Builder, small: Path, booted: Callable[..., str]
) -> None:
    """As in `docker run -e NEW=1 IMAGE /sbin/hello other`."""
    done = builder.build(small, V01.format(type="initrd"))
    lines = printed(booted(done.ref, args=["/sbin/hello", "other"], env={"NEW": "1"}))
    assert "argument 1: other" in lines
    assert "environment: NEW=1" in lines
    assert "argument 2: --two=2" not in lines
