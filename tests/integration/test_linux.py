"""Linux from source through the real BuildKit, and the guests that come of it, booted.

The first run compiles one whole kernel and seven small ones, four of them from nothing: some
fifteen minutes on two cores. After that BuildKit has all but two.
"""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import struct
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworks import architectures, kit
from frameworks.kernelfile import KernelFile, identify
from frameworks.runtime.machine import Machine, Volume
from frameworks.runtime.urunc.versions import NEWEST, NEXT, VERSIONS, Version
from frontend.images import volumes
from frontend.images.volumes import Binding
from tests.integration.harness import EXAMPLES, Builder, Done, programs
from tests.integration.harness.guests import served
from tests.integration.harness.tools import run

pytestmark = pytest.mark.integration

RAW = "--progress=rawjson"

TINY = f"""\
version: v1
platforms: {{framework: linux, monitor: MONITOR}}
kernel: {{from: source, config: tiny}}
{programs.app("show")}\
rootfs: {{type: initrd, include: [etc:/etc]}}
"""

QEMU = TINY.replace("MONITOR", "qemu")


DEFAULT = f"""\
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: source}}
{programs.app("files")}\
cmd: [/bin/files]
"""


def steps(done: Done) -> dict[str, bool]:
    """The steps of a build (with `RAW`) by name: did they run (True), or were they cached?"""
    return {name: not cached for name, cached in done.steps.items()}


@pytest.fixture
def files(project: Path) -> Path:
    """A context with a program that reads and writes files."""
    programs.put("files", project)
    return project


@pytest.fixture
def show(project: Path) -> Path:
    """A context with a program that shows what it was given."""
    programs.put("show", project)
    (project / "etc").mkdir()
    (project / "etc/passwd").write_text("root:x:0:0::/root:\nwww:x:33:33::/var/www:\n")
    (project / "etc/group").write_text("www:x:33:\nvideo:x:44:www\naudio:x:29:root\n")
    return project


def compiled(done: Done) -> int:
    """How many files a build (with `RAW`) had to compile, by what the compiler's cache lacked."""
    logs = b"".join(
        base64.b64decode(entry["data"])
        for line in done.log.splitlines()
        if line.startswith("{")
        for entry in json.loads(line).get("logs") or ()
    )
    (found,) = re.findall(rb"Misses: +(\d+) /", logs)
    return int(found)


def example(name: str, to: Path) -> str:
    """Copy an example's context to `to`; its bunnyfile without the line that names hutch."""
    shutil.copytree(EXAMPLES / name, to, dirs_exist_ok=True)
    first, _, rest = (to / "bunnyfile").read_text().partition("\n")
    assert first.startswith("# syntax=")
    return rest


def test_static_program(builder: Builder, project: Path, booted: Callable[..., str]) -> None:
    text = example("linux-static-c", project)
    output = booted(builder.build(project, text).ref)
    assert "2 3 5 7 11 13" in output
    assert "25 prime numbers below 100\nhutch-init: exit status 0\n" in output


def test_arm64_from_amd64(builder: Builder, project: Path, booted: Callable[..., str]) -> None:
    text = example("linux-arm64", project)
    packed = builder.pack(project, text)
    assert str(packed.image.platform) == "linux/arm64"
    kernel = identify(io.BytesIO(packed.read("/.boot/kernel")))
    assert kernel == KernelFile("arm64-image", "arm64")
    ref = builder.build(project, text).ref
    for machine in (Machine(), Machine(version=NEXT.name)):
        output = booted(ref, timeout=300, machine=machine)
        assert "hello from Linux on aarch64\nhutch-init: exit status 0\n" in output


@pytest.mark.parametrize("urunc", [VERSIONS["0.7.0"], NEWEST, NEXT], ids=lambda urunc: urunc.name)
def test_what_the_program_is_given(
    builder: Builder, show: Path, booted: Callable[..., str], urunc: Version
) -> None:
    """Every argument, the environment, the user with its groups, the directory, the status."""
    text = QEMU + (
        "entrypoint: [show, '7']\n"
        "cmd: ['two words', \"it's\", 'echo ''a b'' && echo \"c d\"', last]\n"
        "envs: {GREETING: 'a b', PATH: /bin}\nuser: www\nworkdir: /srv/made here\n"
    )
    output = booted(builder.build(show, text).ref, machine=Machine(version=urunc.name), status=7)
    for line in (
        "argument 0: [show]",
        "argument 1: [7]",
        "argument 2: [two words]",
        "argument 3: [it's]",
        "argument 4: [echo 'a b' && echo \"c d\"]",
        "argument 5: [last]",
        "environment: [GREETING=a b]",
        "environment: [PATH=/bin]",
        "environment: [HOME=/var/www]",
        "user: 33:33",
        "group: 44",
        "directory: /srv/made here",
        "stdout: open",
        "terminal: ours",
        "hutch-init: exit status 7",
    ):
        assert f"{line}\n" in output
    assert output.count("group: ") == 2, "its own and the supplementary one"
    assert output.count("environment: ") == 3


def test_a_killed_program(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    text = QEMU + "cmd: [/bin/show, '9']\n"
    output = booted(builder.build(show, text).ref, status=137)
    assert "hutch-init: exit status 137\n" in output


def test_a_missing_program(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    output = booted(builder.build(show, QEMU + "cmd: [nope]\n").ref, status=127)
    assert "hutch-init: cannot run nope: No such file or directory\n" in output
    assert "hutch-init: exit status 127\n" in output


def test_a_changed_program_builds_no_kernel(builder: Builder, show: Path) -> None:
    text = QEMU + "cmd: [/bin/show]\n"
    builder.build(show, text)
    # To what no build of this engine has seen.
    change = f"/* {uuid.uuid4()} */\n"
    (show / "show.c").write_text((show / "show.c").read_text() + change)
    ran = steps(builder.build(show, text, RAW))
    assert ran["[linux] build the application"]
    for name in ("fetch linux", "unpack", "prepare", "make ", "install the toolchain"):
        found = [step for step in ran if step.startswith(f"[linux] {name}")]
        assert not any(ran[step] for step in found), found


def test_the_same_kernel_again_and_one_with_another_option(builder: Builder, show: Path) -> None:
    """From caches that hold nothing the same bytes; and then little has to be compiled anew."""
    first = builder.pack(show, QEMU + "cmd: [/bin/show]\n").read("/.boot/kernel")
    out = show / "out"
    # BuildKit goes by what a step is made of, of which its caches are no part.
    kernel = ("--target", "kernel", "--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={uuid.uuid4()}", RAW)
    cold = builder.build(
        show, QEMU, *kernel, "--no-cache-filter", "kernel", output=f"type=local,dest={out}"
    )
    assert steps(cold)["[linux] make bzImage"]
    assert (out / "kernel").read_bytes() == first
    # One that no build of this engine has seen.
    text = QEMU.replace("tiny", f"tiny, options: {{LOCALVERSION: '-{uuid.uuid4().hex[:8]}'}}")
    other = builder.build(show, text, *kernel, output=f"type=local,dest={out}")
    assert (out / "kernel").read_bytes() != first
    ran = steps(other)
    assert ran["[linux] make bzImage"]
    assert not any(ran[name] for name in ran if name.startswith("[linux] fetch "))
    assert not ran.get("[linux] make tinyconfig")
    assert compiled(cold) > 300
    assert compiled(other) < compiled(cold) / 10


def segments(data: bytes) -> list[tuple[int, int]]:
    """Where an ELF file's loaded segments go in physical memory: from, to."""
    offset, size, count = struct.unpack_from("<Q14xHH", data, 32)
    found = []
    for at in range(offset, offset + size * count, size):
        kind, *_, physical, _, length = struct.unpack_from("<IIQQQQQ", data, at)
        if kind == 1:
            found.append((physical, physical + length))
    return found


def test_cloud_hypervisor_powers_off(
    builder: Builder, show: Path, booted: Callable[..., str]
) -> None:
    """A reboot would start the guest anew: here QEMU shows what it does, by the same ACPI."""
    text = TINY.replace("MONITOR", "cloud-hypervisor") + "cmd: [/bin/show, '3']\n"
    packed = builder.pack(show, text)
    data = packed.read("/.boot/kernel")
    # What Cloud Hypervisor enters by its PVH note, and Firecracker by its entry point: an
    # uncompressed ELF file whose segments are above the first MiB (its loader's HIMEM_START).
    assert identify(io.BytesIO(data)) == KernelFile("elf", "amd64", pvh=True)
    (entry,) = struct.unpack_from("<Q", data, 24)
    assert any(low <= entry < high for low, high in segments(data))
    assert all(1 << 20 <= low < high < 128 << 20 for low, high in segments(data))
    output = booted(builder.build(show, text).ref, monitor="qemu", status=3)
    assert "hutch-init: exit status 3\n" in output
    assert "reboot: Power down" in output


def test_linux_6_1_from_a_disk(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    """Its source is patched to show what urunc gives as an initrd; newer ones need no patch."""
    options = (
        "PCI, VIRTIO_MENU, VIRTIO_PCI, BLOCK, BLK_DEV, VIRTIO_BLK, MISC_FILESYSTEMS, SQUASHFS, "
        "SQUASHFS_ZLIB, SQUASHFS_ZSTD"
    )
    text = (
        QEMU.replace("monitor: qemu", "monitor: qemu, version: '6.1'")
        .replace("tiny", f"tiny, options: {{{options.replace(',', ': true,')}: true}}")
        .replace("type: initrd", "type: block, filesystem: squashfs")
    )
    text += "cmd: [/bin/show, '5', two words]\nenvs: {GREETING: 'a b'}\nuser: www\n"
    output = booted(builder.build(show, text).ref, status=5)
    assert re.search(r"^kernel: 6\.1\.\d+$", output, re.MULTILINE), output
    for line in (
        "argument 2: [two words]",
        "environment: [GREETING=a b]",
        "user: 33:33",
        "hutch-init: exit status 5",
    ):
        assert f"{line}\n" in output


def test_two_platforms_at_once(builder: Builder, show: Path) -> None:
    """Each has its own kernel and program, made on one machine."""
    text = QEMU + "cmd: [/bin/show]\n"
    ref = builder.build(show, text, "--platform", "linux/amd64,linux/arm64").ref
    for architecture, form in (("amd64", "bzimage"), ("arm64", "arm64-image")):
        kernel = builder.read(ref, f"linux/{architecture}").read("/.boot/kernel")
        assert identify(io.BytesIO(kernel)) == KernelFile(form, architecture)


def test_the_largest_configuration_and_clang(builder: Builder, project: Path) -> None:
    """Every line of ours holds: what the build ends with is the option that there is not."""
    text = "version: v1\nplatforms: {framework: linux, monitor: firecracker}\n"
    text += "toolchain: {packages: [clang]}\n"
    text += "kernel:\n  from: source\n  config: full-net\n  options:\n    NO_SUCH_THING: true\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["NO_SUCH_THING: true"]
    assert "the kernel has no NO_SUCH_THING=y: this kernel has no such option" in failed.error
    assert "more error" not in failed.error


def test_the_compiler_is_the_pinned_one(
    builder: Builder, show: Path, booted: Callable[..., str]
) -> None:
    """The kernel says by what it was made; a release's compiler is the same for years."""
    ref = builder.build(show, QEMU + "cmd: [/bin/show]\n").ref
    output = booted(ref, machine=Machine(parameters=("loglevel=7",)))
    pinned = kit.release().exact(kit.compiler(architectures.AMD64), "amd64")
    gcc, binutils = (
        next(p.partition("=")[2] for p in pinned if p.startswith(name) and "=" in p)
        for name in ("gcc-", "binutils-")
    )
    assert f"(x86_64-linux-gnu-gcc (Debian {gcc}) " in output
    assert f"GNU ld (GNU Binutils for Debian) {binutils.partition('-')[0]})" in output


def test_what_a_program_leaves_behind(
    builder: Builder, show: Path, booted: Callable[..., str]
) -> None:
    """Orphans are collected; at the end the rest is asked to end, and what does not is killed."""
    programs.put("orphans", show, "show")
    output = booted(builder.build(show, QEMU + "cmd: [/bin/show]\n").ref, status=3)
    said = [line for line in output.splitlines() if re.match("the |a process|hutch-init", line)]
    assert said == [
        "the orphan is gone",
        "the program ends",
        "a process was asked to end",
        "hutch-init: exit status 3",
    ]


def test_nothing_to_run(builder: Builder, show: Path, booted: Callable[..., str]) -> None:
    output = booted(builder.build(show, QEMU).ref, status=125)
    assert "hutch-init: there is nothing to run: the image has no command" in output
    assert "hutch-init: exit status 125\n" in output


def test_powering_off_when_the_runtime_says_so(
    builder: Builder, files: Path, booted: Callable[..., str]
) -> None:
    ref = builder.build(files, DEFAULT + "rootfs: {type: initrd}\n").ref
    assert "reboot: Restarting system" in booted(ref)
    machine = Machine(parameters=("URUNIT_POWEROFF=1",))
    assert "reboot: Power down" in booted(ref, machine=machine)


def test_volumes(builder: Builder, files: Path, tmp_path: Path, booted: Callable[..., str]) -> None:
    """The runtime's disks, and the image's own, are mounted, written to, and left clean."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(f"this is {name}\n")
        with (tmp_path / f"{name}.img").open("wb") as file:
            file.truncate(4 << 20)
        make = ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", str(tmp_path / name)]
        run(*make, str(tmp_path / f"{name}.img"))
    one, two = (str(tmp_path / f"{name}.img") for name in ("one", "two"))
    (files / "name").write_text("this is the image's\n")
    disk = builder.build(
        files,
        DEFAULT + "rootfs: {type: block, filesystem: squashfs, mount: /own, include: [name]}\n",
    ).ref
    guest = builder.build(files, DEFAULT + "rootfs: {type: initrd}\n").ref
    label = "com.urunc.unikernel."
    both = builder.push(
        files,
        f"FROM {disk} AS disk\nFROM {guest}\nCOPY --from=disk /.boot/rootfs /.boot/disk\n"
        f"LABEL {label}block=/.boot/disk {label}blkMntPoint=/own\n",
    )
    output = booted(
        both,
        machine=Machine(volumes=(Volume(two, "/two of them"), Volume(one, "/srv/one"))),
        args=["/bin/files", "/own/name", "/two of them/name", "/srv/one/name", "=/srv/one/more"],
        source="labels",
    )
    assert "/own/name: this is the image's\n" in output
    assert "/two of them/name: this is two\n" in output
    assert "/srv/one/name: this is one\n" in output
    assert "hutch-init: exit status 0\n" in output
    for image in (one, two):
        state = run("/sbin/dumpe2fs", "-h", image)
        assert re.search(r"Filesystem state: +clean$", state, re.MULTILINE)
        assert "needs_recovery" not in state
    show = ["/sbin/debugfs", "-R", "cat /more", one]
    assert subprocess.check_output(show) == b"written by the guest\n"


@pytest.mark.parametrize(
    ("filesystem", "resolv", "network", "servers"),
    [
        # The image's own is kept, whatever the network says.
        ("squashfs", "file", Machine(network=True, dhcp=True), ["192.0.2.53"]),
        ("squashfs", "file", Machine(network=True), ["192.0.2.53"]),
        # Without one DHCP's count: in a root that cannot be written to, and over a broken link.
        ("squashfs", "none", Machine(network=True, dhcp=True), ["10.0.2.3"]),
        ("squashfs", "link", Machine(network=True, dhcp=True), ["10.0.2.3"]),
        ("ext4", "link", Machine(network=True, dhcp=True), ["10.0.2.3"]),
        # urunc gives an address, and no name server: there is none.
        ("ext4", "none", Machine(network=True), []),
    ],
)
def test_name_servers(
    builder: Builder,
    files: Path,
    booted: Callable[..., str],
    filesystem: str,
    resolv: str,
    network: Machine,
    servers: list[str],
) -> None:
    """Of a guest that has a disk, into which the runtime cannot put the container's file."""
    (files / "etc").mkdir()
    (files / "etc/hosts").write_text("127.0.0.1 localhost\n")
    if resolv == "file":
        (files / "etc/resolv.conf").write_text("nameserver 192.0.2.53\n")
    elif resolv == "link":
        (files / "etc/resolv.conf").symlink_to("../run/systemd/resolve/stub-resolv.conf")
    root = f"rootfs: {{type: block, filesystem: {filesystem}, include: [etc:/etc]}}\n"
    ref = builder.build(files, DEFAULT + root).ref
    output = booted(ref, machine=network, args=["/bin/files", "/etc/resolv.conf", "/etc/hosts"])
    assert re.findall(r"^/etc/resolv.conf: nameserver (.*)$", output, re.MULTILINE) == servers
    assert "/etc/hosts: 127.0.0.1 localhost\n" in output


def test_an_init_that_is_not_the_first_process(builder: Builder, show: Path) -> None:
    """In a container it leaves the machine alone, and ends as the program does."""
    text = QEMU.replace("type: initrd", "type: raw").replace("config: tiny", "config: microvm")
    ref = builder.build(show, text + "cmd: [/bin/show, '7']\n").ref
    for options in ([], ["--pid=host"], ["--init"]):
        done = builder.docker("run", "--rm", *options, ref)
        assert done.status == 7, done.log
        assert "hutch-init: exit status 7\n" in done.log
        assert "hutch-init: this is a microVM's image, run here as a container" in done.log
        assert "cannot" not in done.log


def test_an_option_that_is_lost(builder: Builder, project: Path) -> None:
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel:\n  from: source\n  config: tiny\n  options:\n    IKCONFIG_PROC: true\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["IKCONFIG_PROC: true"]
    assert "the kernel has no IKCONFIG_PROC=y: it needs IKCONFIG" in failed.log


def test_an_option_that_is_misspelled(builder: Builder, project: Path) -> None:
    (project / "debug.config").write_text("# ours\nCONFIG_IKCONFG=y\n")
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel:\n  from: source\n  config: tiny\n  fragments:\n    - debug.config\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["- debug.config"]
    assert "the kernel has no IKCONFG=y (debug.config, line 2): this kernel has no such" in (
        failed.log
    )
    assert "did you mean IKCONFIG?" in failed.log


def test_a_line_that_is_no_option(builder: Builder, project: Path) -> None:
    (project / "debug.config").write_bytes(b"# caf\xe9\nIKCONFIG=y\n")
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel:\n  from: source\n  config: tiny\n  fragments:\n    - debug.config\n"
    failed = builder.fail(project, text)
    assert failed.marked == ["- debug.config"]
    said = "'IKCONFIG=y' is no line of a kernel configuration (debug.config, line 2)"
    assert said in failed.log
    assert "did you mean CONFIG_IKCONFIG=y?" in failed.log


def test_no_configuration_is_run_by_make(builder: Builder, project: Path) -> None:
    """With a real kernel's make: what it would expand never gets there, whatever brings it."""
    evil = 'CONFIG_INITRAMFS_SOURCE="$(shell echo who; id >&2)"\n'
    (project / "debug.config").write_text(f"CONFIG_BLK_DEV_INITRD=y\n{evil}")
    head = "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel:\n  from: source\n"
    for keys in (
        "  config: tiny\n  fragments:\n    - debug.config\n",
        "  config: debug.config\n",
    ):
        failed = builder.fail(project, head + keys)
        assert "debug.config" in failed.marked[0]
        assert "would run a part of the value of INITRAMFS_SOURCE ('$')" in failed.log
        assert "uid=0" not in failed.log


def test_a_patch_that_does_not_apply(builder: Builder, project: Path) -> None:
    (project / "fix.patch").write_text("--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-no\n+yes\n")
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    text += "kernel: {from: source, config: tiny, patches: [fix.patch]}\n"
    failed = builder.fail(project, text)
    assert "Hunk #1 FAILED" in failed.log


GET = b"GET / HTTP/1.0\r\nHost: guest\r\n\r\n"


def test_nginx_from_a_dockerfile(builder: Builder, project: Path) -> None:
    """The default configuration; the container's files shared with the guest."""
    text = example("linux-nginx-dockerfile", project)
    with served(builder.build(project, text).ref, 80) as ask:
        answer = ask(GET)
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"nginx in a virtual machine that was built like a container" in answer


def test_redis_on_a_disk(builder: Builder, project: Path) -> None:
    text = example("linux-redis", project)
    ref = builder.build(project, text).ref
    with served(ref, 6379) as ask:
        assert ask(b"PING\r\nSET key value\r\nGET key\r\n") == b"+PONG\r\n+OK\r\n$5\r\nvalue\r\n"
        # The empty argument arrived: there is no snapshotting.
        assert ask(b"CONFIG GET save\r\n") == b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n"
        assert ask(b"CONFIG GET appendonly\r\n").endswith(b"\r\nyes\r\n")
    # A gateway outside of the guest's network, as Kubernetes has it, is reached by a default route.
    with served(ref, 6379, mask="255.255.255.255") as ask:
        assert ask(b"PING\r\n") == b"+PONG\r\n"


def test_redis_keeps_its_data_on_a_volume(builder: Builder, project: Path) -> None:
    """On a volume as `hutch run -v` makes it, for a user of the image, across a lost power."""
    ref = builder.build(project, example("linux-redis", project)).ref
    name = f"hutch-test-{uuid.uuid4().hex}"
    mounts = (Binding(name, "/var/lib/redis"),)
    try:
        with served(ref, 6379, mounts=mounts) as ask:
            assert ask(b"SET key value\r\n") == b"+OK\r\n"
            time.sleep(2)  # Redis brings what it wrote to the disk each second
        # The guest was not asked to end: it lost its power.
        with served(ref, 6379, mounts=mounts) as ask:
            assert ask(b"GET key\r\n") == b"$5\r\nvalue\r\n"
    finally:
        (volumes.home() / f"{name}.ext4").unlink(missing_ok=True)


def test_python_on_a_read_only_root(builder: Builder, project: Path) -> None:
    text = example("linux-python", project)
    with served(builder.build(project, text).ref, 8000) as ask:
        answer = ask(GET)
    facts = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert facts.pop("kernel").startswith("6.12.")
    assert facts == {
        "greeting": "hello from a microVM",
        "arguments": ["--name", "two words"],
        "user": 65534,
        "directory": "/srv",
        "kernel_config": True,
    }
