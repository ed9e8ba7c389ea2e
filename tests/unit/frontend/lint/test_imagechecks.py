"""Whether a built root filesystem fits: sizes, and the few bytes that are read."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import pytest

from frameworks.base import File
from frameworks.linux import built
from frameworks.spec import Text
from frameworks.steps import cpio
from frameworks.steps.entries import walk
from frameworks.steps.pack import Report
from frontend.gateway.client import Client, Ref
from frontend.gateway.errors import GatewayError
from frontend.lint import imagechecks
from frontend.lint.findings import finding
from frontend.lint.imagechecks import Built
from llb import Platform, Position, Range
from llb.pb import status_pb2
from tests.unit.core.helpers import AMD64, Bytes, FakeInputs, lower
from tests.unit.frameworks.rootfs.test_superblock import MIB

FILE = "version: v1\nplatforms: {framework: FRAMEWORK, monitor: MONITOR}\nkernel: {KERNEL}\n"
SOURCE = "from: source"
SIZES = ("LargeInitrd", "OversizedImage")
LOCAL = "from: local, path: k"
CPIO = b"070701"


def judge(
    rootfs: str,
    file: Bytes,
    framework: str = "linux",
    monitor: str = "qemu",
    kernel: str = SOURCE,
    platform: Platform = AMD64,
) -> str:
    """What is found, "" for nothing."""
    text = FILE.replace("FRAMEWORK", framework).replace("MONITOR", monitor)
    text = text.replace("KERNEL", kernel) + f"rootfs: {{{rootfs}}}\ncmd: [a]\n"
    plan = lower(text, platform=platform).plan
    (look,) = [
        each for each in imagechecks.looks(plan) if each.at == "rootfs" and each.rule in SIZES
    ]
    found = look.judge(plan, file)
    if found is None:
        return ""
    assert found.at is not None
    assert found.at.start.line == 4
    return found.message


@pytest.mark.parametrize(
    ("framework", "monitor", "kernel", "most"),
    [
        ("linux", "qemu", SOURCE, 118),
        ("linux", "firecracker", SOURCE, 112),
        ("linux", "cloud-hypervisor", LOCAL, 102),
        ("unikraft", "qemu", LOCAL, 118),
        ("generic", "qemu", LOCAL, 236),  # nobody knows that it is unpacked
    ],
)
def test_an_initrd(framework: str, monitor: str, kernel: str, most: int) -> None:
    rootfs = "type: initrd, include: ['a:/a']"
    assert not judge(rootfs, Bytes(CPIO, most * MIB), framework, monitor, kernel)
    assert judge(rootfs, Bytes(CPIO, (most + 1) * MIB), framework, monitor, kernel)


def test_a_kernel_of_a_distribution_for_arm64() -> None:
    rootfs, platform = "type: initrd, include: ['a:/a']", Platform("linux", "arm64")
    assert not judge(rootfs, Bytes(CPIO, 78 * MIB), kernel=LOCAL, platform=platform)
    assert judge(rootfs, Bytes(CPIO, 79 * MIB), kernel=LOCAL, platform=platform)
    assert not judge(rootfs, Bytes(CPIO, 118 * MIB), platform=platform)


def test_a_compressed_initrd() -> None:
    rootfs = "from: local, path: a.cpio, type: initrd"
    packed = gzip.compress(bytes(230 * MIB), 1)
    small = Bytes(packed)
    assert "takes 231 MiB" in judge(rootfs, small, kernel=LOCAL)
    assert small.taken == [(0, 2), (len(packed) - 4, 4)]
    assert not judge(rootfs, Bytes(packed))
    # What does not say how large it is is at least as large as it is.
    assert "takes 240 MiB" in judge(rootfs, Bytes(b"\x28\xb5\x2f\xfd", 120 * MIB))


def ext2(total: int, free: int) -> Bytes:
    """The start of an image with so many MiB."""
    head = bytearray(4096)
    for at, count in ((0x404, total), (0x40C, free)):
        head[at : at + 4] = (count * MIB // 4096).to_bytes(4, "little")
    head[0x418] = 2
    head[0x438:0x43A] = b"\x53\xef"
    return Bytes(bytes(head), total * MIB)


@pytest.mark.parametrize(
    ("total", "free", "found"),
    [(1024, 1000, True), (1024, 760, False), (68, 64, False), (80, 70, True), (400, 300, False)],
)
def test_a_disk_image(total: int, free: int, found: bool) -> None:
    for rootfs in ("type: block, size: 1G", "from: local, path: a.img, type: block"):
        message = judge(rootfs, ext2(total, free))
        assert message.startswith(f"{free} of the {total} MiB") is found


def test_a_disk_image_that_does_not_say() -> None:
    assert not judge("from: local, path: a.img, type: block", Bytes(b"hsqs", 1 << 40))


@pytest.mark.parametrize(
    ("rootfs", "reports"),
    [
        ("type: raw", []),
        ("type: block", ["ChangedTimes"]),
        ("type: block, size: 64M", ["ChangedTimes"]),
        ("type: block, filesystem: erofs", []),
        ("type: none", []),
    ],
)
def test_what_is_not_looked_at(rootfs: str, reports: list[str]) -> None:
    text = FILE.replace("FRAMEWORK", "linux").replace("MONITOR", "qemu").replace("KERNEL", SOURCE)
    looks = list(imagechecks.looks(lower(f"{text}rootfs: {{{rootfs}}}\ncmd: [a]\n").plan))
    assert [(look.at, look.rule) for look in looks] == [("report", rule) for rule in reports]


@pytest.mark.parametrize(
    ("rule", "report", "message"),
    [
        ("LostCapabilities", Report(), ""),
        (
            "LostCapabilities",
            Report(capabilities=(1, ["/bin/ping"])),
            "which 1 file of this root filesystem had: /bin/ping",
        ),
        ("LostCapabilities", Report(capabilities=(9, ["/a", "/b"])), ": /a, /b and 7 more"),
        ("ChangedTimes", Report(capabilities=(1, ["/a"])), ""),
        (
            "ChangedTimes",
            Report(times=(2, ["/a", "/b"])),
            "does not hold the times of 2 files, which",
        ),
    ],
)
def test_what_a_format_did_not_keep(rule: str, report: Report, message: str) -> None:
    data = json.dumps(asdict(report)).encode()
    text = FILE.replace("FRAMEWORK", "linux").replace("MONITOR", "qemu").replace("KERNEL", SOURCE)
    plan = lower(f"{text}rootfs: {{type: initrd, include: ['a:/a']}}\ncmd: [a]\n").plan
    (look,) = [each for each in imagechecks.looks(plan) if each.rule == rule]
    found = look.judge(plan, Bytes(data))
    if not message:
        assert found is None
        return
    assert found is not None
    assert found.at is not None
    assert (found.code, found.at.start.line) == (rule, 4)
    assert message in found.message


BZIMAGE = bytes(0x1FE) + b"\x55\xaa\0\0HdrS" + bytes(0x30) + b"\x01\0" + bytes(5000)
ELF = b"\x7fELF\x02\x01\x01" + bytes(11) + b"\x3e\0" + bytes(44)


@pytest.mark.parametrize(
    ("framework", "monitor", "data", "says"),
    [
        ("linux", "qemu", BZIMAGE, ""),
        ("linux", "firecracker", BZIMAGE, "boots only an uncompressed 64-bit ELF (vmlinux)"),
        ("linux", "firecracker", ELF, ""),
        ("linux", "cloud-hypervisor", ELF, "without a PVH entry"),
        ("linux", "qemu", b"not a kernel", "no kernel that is known here"),
        ("mirage", "spt", ELF, "boots only what is linked for Solo5"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_a_kernel_that_was_brought_along(
    framework: str, monitor: str, data: bytes, says: str, version: str
) -> None:
    text = FILE.replace("FRAMEWORK", framework).replace("MONITOR", monitor)
    text = text.replace("v1", version).replace("KERNEL", LOCAL) + "cmd: [a]\n"
    plan = lower(text).plan
    (look,) = imagechecks.looks(plan)
    assert (look.rule, look.at) == ("UnbootableKernel", "kernel")
    found = look.judge(plan, Bytes(data))
    assert bool(found) is bool(says)
    if found is not None:
        assert found.at is not None
        assert says in found.message
        assert found.at.start.line == 3


def test_kernels_that_are_not_looked_at() -> None:
    for framework, kernel in (("linux", SOURCE), ("generic", LOCAL)):
        text = FILE.replace("FRAMEWORK", framework).replace("MONITOR", "qemu")
        plan = lower(text.replace("KERNEL", kernel) + "cmd: [a]\n").plan
        assert not list(imagechecks.looks(plan))


SECOND = FILE.replace("FRAMEWORK", "linux").replace("MONITOR", "qemu").replace("KERNEL", SOURCE)


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("cmd: [/sbin/init]", True),
        ("entrypoint: [/init]\ncmd: [a]", True),
        ("cmd: [/usr/lib/systemd/systemd, --unit=x]", True),
        ("cmd: [/usr/bin/initdb]", False),
        ("cmd: [init]", False),
        ("init: none\ncmd: [/sbin/init]", False),
        ("init: /sbin/init", False),
        ("", False),
    ],
)
def test_an_init_behind_an_init(rest: str, found: bool) -> None:
    lowered = lower(SECOND + "rootfs: {from: 'x:1', type: raw}\n" + rest + "\n")
    said = imagechecks.second_init(lowered.plan, lowered.rootfs.process)
    assert (said is not None) is found
    if said is not None:
        assert said.at is not None
        assert said.at.start.line == 5
        assert "hutch.init=none" in said.hint


BASE = {"User": "1000", "WorkingDir": "/srv", "Env": ["A=b c", "B=d"], "Cmd": ["/a", "x y"]}
"""A base image's config."""


@pytest.mark.parametrize(
    ("rest", "found"),
    [
        ("", []),
        ("init: none", [("root", 5), ("in /", 5), ("words", 5), ("'A'", 5)]),
        ("init: none\nworkdir: /\ncmd: [/b]", [("root", 5), ("'A'", 5)]),
        ("init: none\nuser: '2'\nenvs: {A: b}", [("root", 6), ("in /", 5), ("words", 5)]),
        ("init: none\ncmd: [/b, x y]\nenvs: {B: 'c d'}\nuser: root", None),
        ("init: /sbin/init", [("'A' up to", 5)]),
        ("init: none\nentrypoint: [/my/urunit]", []),
    ],
)
def test_what_a_base_brings_is_lost_without_an_init(
    rest: str, found: list[tuple[str, int]] | None
) -> None:
    inputs = FakeInputs({"x:1": {"config": BASE}})
    lowered = lower(SECOND + "rootfs: {from: 'x:1', type: raw}\n" + rest + "\n", inputs)
    said = list(imagechecks.lost(lowered.plan, lowered.rootfs.process))
    assert {each.code for each in said} <= {"LostWithoutInit"}
    lines = [each.at and each.at.start.line for each in said]
    if found is None:  # the file's own words have their own lines
        assert lines == [5, 6, 5, 7]
        return
    assert lines == [line for _, line in found]
    for each, (word, _) in zip(said, found, strict=True):
        assert word in each.message


def test_files_that_labels_name_are_looked_at() -> None:
    plan = lower(SECOND.replace("kernel: {from: source}\n", "")).plan
    at = Range(Position(7), Position(7, 5))
    keys = {key: Text(f"/{key}", at) for key in ("binary", "initrd", "block")}
    looks = {look.at: look for look in imagechecks.looks(replace(plan, kernel=None, keys=keys))}
    assert {key: look.rule for key, look in looks.items()} == {
        "binary": "UnbootableKernel",
        "initrd": "LargeInitrd",
        "block": "OversizedImage",
    }
    planned = replace(plan, kernel=None, keys=keys)
    for key, file in (("binary", Bytes(CPIO, 100)), ("initrd", Bytes(CPIO, 400 << 20))):
        found = looks[key].judge(planned, file)
        assert found is not None
        assert found.at == at


@pytest.mark.parametrize(
    ("framework", "data", "found"),
    [
        ("linux", b"\x01" * 4096, True),
        ("linux", b"hsqs" + bytes(4096), False),
        ("rumprun", b"\x01" * 4096, True),
    ],
)
def test_a_disk_without_a_file_system(framework: str, data: bytes, found: bool) -> None:
    monitor = "hvt" if framework == "rumprun" else "qemu"
    text = FILE.replace("FRAMEWORK", framework).replace("MONITOR", monitor)
    text = text.replace("KERNEL", LOCAL) + "rootfs: {from: local, path: disk, type: block}\n"
    plan = lower(text + "cmd: [a]\n", head=b"hsqs").plan
    looks = [each for each in imagechecks.looks(plan) if each.rule == "UnusableRootfs"]
    (look,) = [each for each in looks if each.at == "rootfs"]
    seen = look.judge(plan, Bytes(data))
    assert bool(seen) is found
    if seen is not None:
        assert "'disk' has no file system" in seen.message
        assert seen.at is not None
        assert seen.at.start.line == 4


@pytest.mark.parametrize(
    ("args", "machine", "mode", "word"),
    [
        ("[/app]", 0x3E, 0o755, ""),
        ("[/app]", 0xB7, 0o755, "is for arm64, and the guest for amd64"),
        ("[/app]", 0x3E, 0o644, "is no program"),
        ("[/none, /app]", 0x3E, 0o755, "is not in this root filesystem"),
        ("[app]", 0x3E, 0o755, ""),
        ("[]", 0x3E, 0o755, ""),
    ],
)
def test_what_a_prebuilt_root_starts(
    tmp_path: Path, args: str, machine: int, mode: int, word: str
) -> None:
    app = tmp_path / "app"
    app.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + bytes(64))
    app.chmod(mode)
    out = io.BytesIO()
    cpio.write(walk(str(tmp_path), 0), out)
    root = "rootfs: {from: local, path: r, type: initrd}\n"
    lowered = lower(SECOND + root + f"cmd: {args}\n")
    assert imagechecks.given_root(lowered.plan) == "rootfs"
    archive = Bytes(out.getvalue())
    found = imagechecks.unstartable(lowered.plan, lowered.rootfs.process, archive)
    assert (found is not None) is bool(word)
    if found is not None:
        assert word in found.message
        assert found.at is not None
        assert found.at.start.line == 5


def bzimage(version: bytes, payload: bytes = b"") -> bytes:
    """A bzImage of boot protocol 2.08 with five sectors of setup."""
    head = bytearray(0x3000)
    head[0x1F1] = 4
    head[0x202:0x206] = b"HdrS"
    head[0x206:0x208] = (0x208).to_bytes(2, "little")
    head[0x20E:0x210] = (0x2000).to_bytes(2, "little")
    head[0x248:0x24C] = (0x3000 - 5 * 512).to_bytes(4, "little")
    head[0x2200 : 0x2200 + len(version)] = version
    return bytes(head) + payload


def finds(
    file: Bytes, rootfs: str, kernel: str = LOCAL, framework: str = "linux", monitor: str = "qemu"
) -> str:
    """What is said of a kernel, as far as its root is concerned."""
    text = FILE.replace("FRAMEWORK", framework).replace("MONITOR", monitor)
    plan = lower(text.replace("KERNEL", kernel) + f"rootfs: {{{rootfs}}}\ncmd: [a]\n").plan
    looks = [look for look in imagechecks.looks(plan) if look.rule == "UnusableRootfs"]
    found = [look.judge(plan, file) for look in looks if look.at == "kernel"]
    shown = [each for each in found if each is not None]
    assert all(each.at and each.at.start.line == 4 for each in shown)
    return "".join(each.message for each in shown)


def boots(version: bytes, rootfs: str, kernel: str = LOCAL) -> str:
    """What is said of a bzImage with a version; it is compressed in a way that is not known."""
    file = Bytes(bzimage(version, b"\x28\xb5\x2f\xfd" + bytes(5000)))
    said = finds(file, rootfs, kernel)
    assert len(file.taken) <= 4
    assert all(length < 1024 for _, length in file.taken)
    return said


DEBIAN = b"6.12.48+deb13-amd64 (debian-kernel@lists.debian.org) #1 SMP\0"


def test_a_kernel_whose_drivers_are_modules() -> None:
    disk, shared = "type: block, include: [a]", "type: raw, include: [a]"
    said = boots(DEBIAN, disk)
    assert "Debian's kernel 6.12.48+deb13-amd64, which has its drivers for disks in modules" in said
    assert "drivers for shared directories" in boots(DEBIAN, shared)
    assert not boots(DEBIAN, "type: initrd, include: [a]")
    assert not boots(DEBIAN, disk, SOURCE)
    assert not boots(b"6.12.1 (me@host) #1\0 (debian-kernel@lists.debian.org)", disk)
    assert not boots(b"", disk)


ALPINE = b"6.12.38-0-virt (buildozer@build-3-22-x86_64) #1-Alpine SMP PREEMPT_DYNAMIC 2025\0"
FEDORA = b"6.9.7-200.fc40.x86_64 (mockbuild@8d858239ee7c) #1 SMP PREEMPT_DYNAMIC\0"


@pytest.mark.parametrize(
    ("version", "disk", "raw"),
    [
        (ALPINE, "Alpine's kernel 6.12.38-0-virt", "Alpine's"),
        (ALPINE.replace(b"-virt", b"-own"), "", ""),
        (ALPINE.replace(b"-Alpine", b""), "", ""),
        (FEDORA, "", "Fedora's kernel 6.9.7-200.fc40.x86_64"),
        # The cloud kernel of Debian 13 can share by virtiofs, that of Debian 12 cannot.
        (DEBIAN.replace(b"-amd64", b"-cloud-amd64"), "Debian's", ""),
        (b"6.1.0-53-cloud-amd64 (debian-kernel@lists.debian.org) #1", "Debian's", "Debian's"),
    ],
)
def test_kernels_of_distributions(version: bytes, disk: str, raw: str) -> None:
    for root, says in (("block", disk), ("raw", raw)):
        said = boots(version, f"type: {root}, include: [a]")
        assert bool(said) is bool(says)
        assert says in said


def carrying(**options: str) -> bytes:
    """The middle of a kernel that carries its configuration: these options and others."""
    lines = ["# CONFIG_XFS_FS is not set", "CONFIG_64BIT=y", 'CONFIG_LOCALVERSION="=y"']
    lines += [f"CONFIG_{name}={value}" for name, value in options.items()]
    packed = gzip.compress("\n".join(lines).encode() + b"\n", mtime=0)
    return b"\1" * 4099 + b"IKCFG_ST\0" + b"IKCFG_ST" + packed + b"IKCFG_ED" + b"\2" * 4099


IMAGE = bytes(56) + b"ARM\x64" + bytes(4)
FORMATS: dict[str, Callable[[bytes], bytes]] = {
    "elf": lambda kernel: ELF + kernel,
    "Image": lambda kernel: IMAGE + kernel,
    "Image.gz": lambda kernel: gzip.compress(IMAGE + kernel),
    "bzImage": lambda kernel: bzimage(b"6.12.1 (a@b)\0", gzip.compress(ELF + kernel) + bytes(9)),
}
DISKS = {"VIRTIO_BLK": "y", "VIRTIO_PCI": "y", "EXT4_FS": "y"}
SHARES = {"NET_9P_VIRTIO": "y", "9P_FS": "y", "VIRTIO_PCI": "y"}


@pytest.mark.parametrize("format", FORMATS)
def test_a_kernel_that_carries_its_configuration(format: str) -> None:
    disk, make = "type: block, include: [a]", FORMATS[format]
    assert not finds(Bytes(make(carrying(**DISKS))), disk)
    said = finds(Bytes(make(carrying(**(DISKS | {"VIRTIO_BLK": "m"})))), disk)
    assert said == (
        "by its own configuration this kernel has not built in VIRTIO_BLK (a module), and nothing "
        "loads modules: the guest finds no root filesystem"
    )
    del (fewer := dict(DISKS))["EXT4_FS"]
    said = finds(Bytes(make(carrying(**fewer))), disk)
    assert "has not built in EXT4_FS (off): the guest finds" in said
    assert not finds(Bytes(make(carrying())), "type: initrd, include: [a]")
    # What it carries counts more than who built it.
    debian = b"Linux version " + DEBIAN
    assert "this is Debian's kernel 6.12.48" in finds(Bytes(make(debian)), disk)
    assert not finds(Bytes(make(debian + carrying(**DISKS))), disk)
    assert not finds(Bytes(make(bytes(9000))), disk)
    # An archive inside the kernel may load modules.
    assert not finds(Bytes(make(carrying(VIRTIO_BLK="m", INITRAMFS_SOURCE='"/a.cpio"'))), disk)
    assert finds(Bytes(make(carrying(VIRTIO_BLK="m", INITRAMFS_SOURCE='""'))), disk)


@pytest.mark.parametrize(
    ("rootfs", "monitor", "options", "lacks"),
    [
        ("type: raw, include: [a]", "qemu", SHARES, ""),
        ("type: raw, include: [a]", "qemu", {"VIRTIO_FS": "y", "VIRTIO_PCI": "y"}, ""),
        ("type: raw, include: [a]", "qemu", SHARES | {"9P_FS": "m"}, "9P_FS (a module)"),
        ("type: raw, include: [a]", "cloud-hypervisor", SHARES, "VIRTIO_FS (off)"),
        ("type: block, include: [a]", "firecracker", DISKS, "VIRTIO_MMIO (off)"),
        ("type: block, include: [a]", "firecracker", DISKS | {"VIRTIO_MMIO": "y"}, ""),
        ("type: block, include: [a]", "cloud-hypervisor", DISKS, ""),
        ("type: block, include: [a], filesystem: erofs", "qemu", DISKS, "EROFS_FS (off)"),
        ("type: block, include: [a], filesystem: squashfs", "qemu", DISKS, "SQUASHFS (off)"),
        ("type: block, include: [a], filesystem: ext2", "qemu", DISKS, "EXT2_FS (off)"),
        (
            "type: block, include: [a], filesystem: ext2",
            "qemu",
            DISKS | {"EXT4_USE_FOR_EXT2": "y"},
            "",
        ),
        # What is in an image that exists already is not known.
        ("type: block, from: local, path: disk", "qemu", {"VIRTIO_BLK": "y"}, "VIRTIO_PCI (off)"),
        (
            "type: block, from: local, path: disk",
            "qemu",
            {"VIRTIO_BLK": "y", "VIRTIO_PCI": "y"},
            "",
        ),
    ],
)
def test_what_a_root_needs(rootfs: str, monitor: str, options: dict[str, str], lacks: str) -> None:
    said = finds(Bytes(ELF + carrying(**options)), rootfs, monitor=monitor)
    assert bool(said) is bool(lacks)
    assert lacks in said


def test_kernels_that_do_not_carry_a_whole_configuration() -> None:
    disk, whole = "type: block, include: [a]", carrying(VIRTIO_BLK="m")
    cut = whole[: whole.index(b"IKCFG_ED") - 12]
    broken = whole.replace(b"\x1f\x8b\x08", b"\x1f\x8b\x08\xff", 1)
    packed = gzip.compress(IMAGE + whole * 3)
    for data in (ELF + cut, ELF + broken, packed[:80], b"\x1f\x8b\x08\xff\xff", whole, b""):
        assert not finds(Bytes(data), disk)


def test_how_much_of_a_kernel_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration may lie across two parts; what is far behind is not looked for."""
    disk, part, tail = "type: block, include: [a]", 2 << 20, carrying(VIRTIO_BLK="m")
    across = Bytes(ELF + bytes(part - len(ELF) - 4099 - 13) + tail + bytes(9 * part))
    assert "VIRTIO_BLK (a module)" in finds(across, disk)
    assert sum(length for _, length in across.taken) < 2 * part + 4096
    far = Bytes(ELF + bytes(33 * part) + tail)
    assert not finds(far, disk)
    assert len(far.taken) <= 35
    assert max(length for _, length in far.taken) == part
    monkeypatch.setattr(built, "_MOST_CONTENT", 3 * part)
    bomb = Bytes(gzip.compress(IMAGE + bytes(2 * part) + tail, 1))
    assert finds(bomb, disk)
    bomb = Bytes(gzip.compress(IMAGE + bytes(4 * part) + tail, 1))
    assert not finds(bomb, disk)


def test_the_drivers_of_a_kernel_that_labels_name() -> None:
    plan = lower(SECOND.replace("kernel: {from: source}\n", "")).plan
    at = Range(Position(7), Position(7, 5))
    keys = {key: Text(f"/{key}", at) for key in ("binary", "block")}
    file = Bytes(ELF + carrying(VIRTIO_PCI="y"))
    root, elsewhere = Text("/", at), Text("/data", at)
    for more, says in (
        ({"blkMntPoint": root}, "VIRTIO_BLK (off)"),
        ({"blkMntPoint": elsewhere}, ""),
        ({"blkMntPoint": root, "initrd": root}, ""),
    ):
        labelled = replace(plan, kernel=None, keys=keys | more)
        looks = [look for look in imagechecks.looks(labelled) if look.rule == "UnusableRootfs"]
        found = [look.judge(labelled, file) for look in looks]
        assert bool(found) is bool(says)
        for each in found:
            assert each is not None
            assert each.at == at
            assert says in each.message


@pytest.mark.parametrize("type", ["initrd", "block", "raw"])
def test_each_look_has_its_file(type: str) -> None:
    """Where a rule looks at a file, the file is one of the build's."""
    lowered = lower(SECOND + f"rootfs: {{from: 'x:1', type: {type}}}\ncmd: [/a]\n")
    files = {
        look.at: imagechecks.placed(lowered, look.at) for look in imagechecks.looks(lowered.plan)
    }
    assert all(file is not None for file in files.values())
    assert ("report" in files) is (type != "raw")


class Daemon:
    """What a check asks of the daemon: every file is one initrd, and `/` is empty."""

    def __init__(self) -> None:
        self.solved: list[str] = []

    def solve(self, file: File) -> Ref:
        self.solved.append(file.path)
        return Ref(file.path)

    def open_file(self, ref: Ref, path: str) -> Bytes:
        assert ref.id == path
        return Bytes(CPIO, 400 * MIB)

    def read_file(self, ref: Ref, path: str, *, length: int | None = None) -> bytes:
        raise missing(path)

    def stat_file(self, ref: Ref, path: str) -> None:
        raise missing(path)


def missing(path: str) -> GatewayError:
    return GatewayError(status_pb2.Status(code=2, message=f"lstat {path}: no such file"))


INITRD = SECOND + "rootfs: {type: initrd, include: ['a:/a']}\ncmd: [/a]\n"


@pytest.mark.parametrize(
    ("rules", "codes", "solved"),
    [
        ((), [], 0),
        (("SecondInit", "LostWithoutInit", "ClosedFile", "UnbootableKernel"), [], 0),
        (("LargeInitrd",), ["LargeInitrd"], 1),
        (("UnrunnableCommand", "NoCommand"), ["UnrunnableCommand"], 1),
        (("NoScanner",), ["NoScanner"], 0),
    ],
)
def test_nothing_is_fetched_that_no_check_asks_for(
    rules: tuple[str, ...], codes: list[str], solved: int
) -> None:
    daemon = Daemon()
    noted = [finding("NoScanner", "none", "", None)]
    built = Built(lower(INITRD), cast(Client, daemon), daemon.solve, noted)
    found = imagechecks.lint(built, lambda rule: rule in rules)
    assert [each.code for each in found] == codes
    assert len(daemon.solved) == solved
