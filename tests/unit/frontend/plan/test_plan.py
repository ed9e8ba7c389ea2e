"""Plans: defaults filled in, and what a guest cannot take refused at its line."""

from __future__ import annotations

import json

import pytest

from frameworks.base import DEFAULT_EPOCH, Plan
from frameworks.diagnostics import Problems
from frameworks.spec import parse_size
from frontend import plan as plans
from frontend.bunnyfile import load
from llb import Platform

AMD64 = Platform("linux", "amd64")
ARM64 = Platform("linux", "arm64")


def make(text: str, platform: Platform = AMD64, epoch: int | None = None) -> Plan:
    loaded = load(text.encode(), "bunnyfile")
    return plans.make(loaded.bunnyfile, loaded.file, platform, epoch=epoch)


def v1(framework: str = "linux", monitor: str = "qemu", rest: str = "") -> str:
    return (
        f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n"
        f"kernel: {{from: local, path: vmlinuz}}\n{rest}"
    )


def v0(framework: str, monitor: str, rest: str = "") -> str:
    return v1(framework, monitor, rest).replace("v1", "v0.1")


def codes(text: str, platform: Platform = AMD64) -> list[str]:
    with pytest.raises(Problems) as raised:
        make(text, platform)
    return [found.code for found in raised.value.diagnostics]


def test_no_rootfs_means_none() -> None:
    for text in (v1(), v0("linux", "qemu"), v0("rumprun", "hvt"), v0("unikraft", "qemu")):
        assert make(text).rootfs.type == "none"


@pytest.mark.parametrize(
    ("framework", "monitor", "type"),
    [("linux", "qemu", "raw"), ("unikraft", "qemu", "initrd"), ("rumprun", "spt", "raw")],
)
def test_a_tree_without_a_type_gets_the_guests_own(framework: str, monitor: str, type: str) -> None:
    assert make(v0(framework, monitor, "rootfs: {include: [a:/a]}")).rootfs.type == type


@pytest.mark.parametrize("name", ["includeos", "osv", "openbsd", "hermitux", "nanos"])
def test_a_first_file_of_an_unknown_framework_is_packaged_under_its_name(name: str) -> None:
    plan = make(v0(name, "qemu"))
    assert (plan.framework, plan.keys) == ("generic", {"unikernelType": name})
    (found,) = plan.warnings
    assert found.code == "UnknownFramework"
    assert f"'{name}'" in found.message


def test_a_block_image_gets_a_file_system_and_a_mount() -> None:
    rootfs = make(v1(rest="rootfs: {from: scratch, type: block, include: [a:/a]}")).rootfs
    assert (rootfs.filesystem, rootfs.mount) == ("ext4", "/")
    rootfs = make(v1("rumprun", "hvt", "rootfs: {type: block, include: [a:/a]}")).rootfs
    assert (rootfs.filesystem, rootfs.mount) == ("ext2", "/data")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (v0("lynux", "qemu"), "unknown-framework"),
        (v0("Linux", "qemu"), "unknown-framework"),
        (v0("linuxx", "qemu"), "unknown-framework"),
        (v0("rumprun", "qemu"), "unsupported-monitor"),
        (v0("mewz", "firecracker"), "unsupported-monitor"),
        (v0("linux", "qemo"), "unsupported-monitor"),
        (v1("mewz", "qemu", "rootfs: {type: raw, include: [a:/a]}"), "unsupported-rootfs"),
        (
            v1(rest="rootfs: {type: block, filesystem: ffs, include: [a:/a]}"),
            "unsupported-filesystem",
        ),
        (v1("rumprun", "hvt", "rootfs: {type: block, mount: /, include: [a:/a]}"),
         "unsupported-mount"),
    ],
)  # fmt: skip
def test_what_the_guest_cannot_take(text: str, code: str) -> None:
    assert codes(text) == [code]


def test_a_platform_that_no_monitor_boots() -> None:
    assert codes(v1("mewz", "qemu"), ARM64) == ["unsupported-platform"]


def test_all_problems_are_told_at_once() -> None:
    text = v1(monitor="hvt", rest="rootfs: {type: block, filesystem: ntfs, include: [a:/a]}")
    assert sorted(codes(text)) == ["unsupported-filesystem", "unsupported-monitor"]


@pytest.mark.parametrize("name", ["x86", "x86_64", "amd64"])
def test_names_of_an_architecture(name: str) -> None:
    text = v0("linux", "qemu").replace("monitor: qemu", f"monitor: qemu, architecture: {name}")
    loaded = load(text.encode(), "bunnyfile")
    assert plans.architecture(loaded.bunnyfile) == "amd64"
    make(text)


def test_an_architecture_that_contradicts_the_platform() -> None:
    text = v1().replace("monitor: qemu", "monitor: qemu, architecture: aarch64")
    assert codes(text) == ["architecture-contradiction"]


def test_an_unknown_architecture() -> None:
    text = v0("linux", "qemu").replace("monitor: qemu", "monitor: qemu, architecture: vax")
    assert codes(text) == ["unknown-architecture"]


def test_a_prebuilt_file_is_what_its_bytes_say() -> None:
    open_plan = make(v0("linux", "qemu", "rootfs: {from: local, path: rootfs.bin}"))
    assert open_plan.rootfs.type is None
    assert plans.with_rootfs_type(open_plan, b"070701" + bytes(200)).rootfs.type == "initrd"
    block = plans.with_rootfs_type(open_plan, bytes(0x438) + b"\x53\xef").rootfs
    assert (block.type, block.mount) == ("block", "/")


def test_a_prebuilt_file_is_what_its_name_says_without_its_bytes() -> None:
    open_plan = make(v0("linux", "qemu", "rootfs: {from: local, path: rootfs.cpio}"))
    assert plans.with_rootfs_type(open_plan, None).rootfs.type == "initrd"


def test_a_prebuilt_file_that_is_nothing_known() -> None:
    open_plan = make(v0("linux", "qemu", "rootfs: {from: local, path: rootfs}"))
    with pytest.raises(Problems, match="neither a cpio archive nor a file system image"):
        plans.with_rootfs_type(open_plan, b"nonsense")


def test_a_prebuilt_file_that_the_guest_cannot_use() -> None:
    open_plan = make(v0("unikraft", "qemu", "rootfs: {from: local, path: disk}"))
    with pytest.raises(Problems, match="cannot use a root filesystem of type 'block'"):
        plans.with_rootfs_type(open_plan, bytes(0x438) + b"\x53\xef")


def test_a_type_that_is_written_needs_no_bytes() -> None:
    plan = make(v0("linux", "qemu", "rootfs: {from: local, path: x, type: initrd}"))
    assert plans.with_rootfs_type(plan, b"nonsense") is plan


def test_the_time_of_files_is_fixed_without_an_epoch() -> None:
    assert make(v1()).timestamp == DEFAULT_EPOCH
    assert make(v1(), epoch=0).timestamp == 0


def test_a_plan_prints_as_json() -> None:
    plan = make(v1(rest="cmd: [/a, 'b c']\nenvs: [A=b]"))
    shown = json.loads(json.dumps(plans.to_json(plan)))
    assert shown["file"] == "bunnyfile"
    assert shown["platform"] == "linux/amd64"
    assert shown["settings"]["cmd"] == ["/a", "b c"]
    assert shown["kernel"]["from"] == "local"


@pytest.mark.parametrize(
    ("text", "size"), [("1", 1), ("4K", 4096), ("64M", 64 << 20), ("2g", 2 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "0", "-1M", "1T", "1.5G", "1 M", "٣M"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)


def test_platform_arguments_are_those_of_a_dockerfile() -> None:
    args = plans.platform_args(ARM64, AMD64)
    assert args["TARGETPLATFORM"] == "linux/arm64"
    assert args["TARGETARCH"] == "arm64"
    assert args["BUILDARCH"] == "amd64"
    assert args["TARGETVARIANT"] == ""


@pytest.mark.parametrize("platform", ["linux/arm/v7", "linux/386", "linux/riscv64", "linux/s390x"])
@pytest.mark.parametrize("framework", ["linux", "netbsd", "freebsd"])
def test_a_platform_that_the_recipe_has_never_heard_of(framework: str, platform: str) -> None:
    """The framework's own checks do not start on it: what they know is about its platforms."""
    text = f"version: v1\nplatforms: {{framework: {framework}, monitor: qemu}}\n"
    text += "kernel: {from: source}\nrootfs: {type: initrd, include: [a:/a]}\ncmd: [a]\n"
    assert "unsupported-platform" in codes(text, Platform.parse(platform))
