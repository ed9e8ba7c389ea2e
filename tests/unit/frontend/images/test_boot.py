"""Where the files of a guest go before it is booted, who the monitor is, and how it ended."""

from __future__ import annotations

import contextlib
import io
import json
import os
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from frameworks.runtime.machine import Contract, Machine, NotBootable
from frameworks.runtime.urunc.versions import NEWEST, NEXT
from frontend.images import boot
from frontend.images.boot import FAILED, Outcome, User
from frontend.images.layers import ImageFiles
from frontend.images.oci import StoredImage
from llb import Platform
from tests.places import ROOT

KEYS = {"binary": "/k", "block": "/b", "blkMntPoint": "/", "hypervisor": "qemu"}


def tree(*files: tuple[str, int, int, int, bytes | None]) -> ImageFiles:
    """A tree of one layer: path, mode, user, group, content; None is a directory."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as out:
        for path, mode, uid, gid, data in files:
            info = tarfile.TarInfo(path.lstrip("/"))
            info.mode, info.uid, info.gid = mode, uid, gid
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            out.addfile(info, io.BytesIO(data or b""))
    packed.seek(0)
    return ImageFiles([("application/vnd.oci.image.layer.v1.tar", packed)])


SMALL = (("/k", 0o644, 0, 0, b"kernel"), ("/b", 0o644, 0, 0, b"disk"), ("/i", 0o644, 0, 0, b"cpio"))


@pytest.mark.parametrize("type", ["freebsd", "netbsd"])
@pytest.mark.parametrize("network", [True, False])
def test_the_bsds_read_their_configuration_from_a_disk(
    tmp_path: Path, type: str, network: bool
) -> None:
    """In whole sectors: Firecracker hides what is beyond them (docs/contract/urunc.md 2.3)."""
    said = Contract({**KEYS, "unikernelType": type}, ("/urunit", "/app"), ("A=b",))
    files = boot.place(said, tree(*SMALL), tmp_path, Machine(network=network))
    assert files.config is not None
    data = Path(files.config).read_bytes().replace(b"\0", b"\n")
    assert b"UES\nA=b\nUEE\n" in data
    assert len(data) % 512 == 0
    assert (b"UNS\nIP:10." in data) == network


def test_a_newer_urunc_ends_records_with_a_nul(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "freebsd"}
    said = Contract(keys, ("/urunit", "/app"), ("A=b\nc",))
    files = boot.place(said, tree(*SMALL), tmp_path, Machine(version=NEXT.name))
    assert files.config is not None
    data = Path(files.config).read_bytes()
    assert data.startswith(b"URUNIT1\0UES\0A=b\nc\0UEE\0")
    assert data.rstrip(b"\0").endswith(b"UNE")
    assert len(data) % 512 == 0


def test_firecracker_reads_a_file_of_its_own(tmp_path: Path) -> None:
    keys = {**KEYS, "unikernelType": "linux", "hypervisor": "firecracker"}
    said = Contract(keys, ("/urunit", "/app"))
    files = boot.place(said, tree(*SMALL), tmp_path, Machine())
    config = json.loads(Path(files.monitor).read_text())
    assert config["boot-source"]["initrd_path"] == files.config
    assert Path(config["boot-source"]["kernel_image_path"]).read_bytes() == b"kernel"


def test_files_are_the_images_own(tmp_path: Path) -> None:
    """At their paths, with their modes and, as root, their owners; so are their directories."""
    found = tree(
        ("/.boot", 0o750, 5, 6, None),
        ("/.boot/k", 0o600, 7, 8, b"kernel"),
        ("/x/y/b", 0o640, 0, 0, b"disk"),
    )
    keys = {**KEYS, "unikernelType": "linux", "binary": "/.boot/k", "block": "/x/y/b"}
    files = boot.place(Contract(keys, ("/init",)), found, tmp_path, Machine())
    kernel, disk = Path(files.kernel), Path(files.block or "")
    assert kernel == tmp_path / "root/.boot/k"
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (kernel, kernel.parent, disk, disk.parent)]
    assert modes == [0o600, 0o750, 0o640, 0o755]
    if os.geteuid() == 0:
        owners = [(p.stat().st_uid, p.stat().st_gid) for p in (kernel, kernel.parent, disk)]
        assert owners == [(7, 8), (5, 6), (0, 0)]


def test_what_urunc_writes_is_open(tmp_path: Path) -> None:
    """The configuration as an initrd is in the monitor's root, the shared tree is the image's."""
    found = tree(*SMALL, ("/secret", 0o600, 0, 0, b"x"))
    keys = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k", "mountRootfs": "true"}
    files = boot.place(Contract(keys, ("/urunit",)), found, tmp_path, Machine())
    assert files.share is not None
    assert sorted(os.listdir(files.share)) == ["b", "i", "k", "secret"]
    assert files.config is not None
    assert stat.S_IMODE(os.stat(files.config).st_mode) == 0o644


@pytest.mark.parametrize("name", ["0.6.0", "0.7.0"])
def test_an_initrd_gets_the_configuration_where_urunc_has_one(tmp_path: Path, name: str) -> None:
    keys = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k", "initrd": "/i"}
    machine = Machine(version=name)
    files = boot.place(Contract(keys, ("/urunit",)), tree(*SMALL), tmp_path, machine)
    data = Path(files.initrd or "").read_bytes()
    assert data.startswith(b"cpio")
    assert (b"UES\n" in data) == (name == "0.7.0")


PASSWD = b"root:x:0:0::/:\nredis:x:101:102::/:\n"
GROUP = b"root:x:0:\nredis:x:102:\naudio:x:29:redis,other\nx:x:7:other\n"
USERS = tree(("/etc/passwd", 0o644, 0, 0, PASSWD), ("/etc/group", 0o644, 0, 0, GROUP))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", User(0, 0, (0,))),
        ("redis", User(101, 102, (102, 29))),
        ("101", User(101, 102, (102, 29))),
        ("4000", User(4000, 0, (0,))),
        ("redis:audio", User(101, 29, (29,))),
        ("4000:5000", User(4000, 5000, (5000,))),
        (":redis", User(0, 102, (102,))),
    ],
)
def test_users_are_resolved_as_a_container_engine_does(text: str, expected: User) -> None:
    assert boot.resolve(text, USERS) == expected


@pytest.mark.parametrize("text", ["nobody", "redis:wheel"])
def test_names_that_the_image_does_not_know(text: str) -> None:
    with pytest.raises(NotBootable, match=r"does not know '(nobody|wheel)'$"):
        boot.resolve(text, USERS)


@pytest.mark.parametrize(
    ("uid", "groups", "kernel", "disk", "expected"),
    [
        (0, (), (0, 0, 0), (0, 0, 0), None),
        (1000, (), (0o644, 0, 0), (0o666, 0, 0), None),
        (1000, (), (0o644, 0, 0), (0o644, 0, 0), "user 1000 may not write /b, of 0:0 with 644"),
        (1000, (), (0o600, 0, 0), (0o666, 0, 0), "user 1000 may not read /k, of 0:0 with 600"),
        (1000, (), (0o600, 1000, 0), (0o060, 0, 50), None),
        (1000, (), (0o044, 1000, 0), (0o666, 0, 0), "user 1000 may not read /k, of 1000:0 with 44"),
        (1000, (7,), (0o640, 0, 7), (0o660, 0, 7), None),
    ],
)
def test_what_the_monitors_user_may_open(
    uid: int,
    groups: tuple[int, ...],
    kernel: tuple[int, int, int],
    disk: tuple[int, int, int],
    expected: str | None,
) -> None:
    """Said where it cannot be tried, for want of root. Of the owner only the owner's bits count."""
    found = tree(("/k", *kernel, b"k"), ("/b", *disk, b"b"))
    said = Contract({**KEYS, "unikernelType": "linux"}, ("/i",), (), uid, 50, groups)
    assert boot.refusal(said, found) == expected


def test_a_directory_that_the_monitors_user_may_not_enter() -> None:
    found = tree(("/d", 0o700, 0, 0, None), ("/d/k", 0o644, 0, 0, b"k"))
    said = Contract({"binary": "/d/k"}, (), uid=1000)
    assert boot.refusal(said, found) == "user 1000 may not enter /d, which has /d/k"


PROCESS = {"Entrypoint": ["/urunit"], "Cmd": ["x"], "User": "redis"}
THREE = {"unikernelType": "linux", "hypervisor": "qemu", "binary": "/k"}


def image(process: Mapping[str, object], where: str = "labels") -> StoredImage:
    named = {f"com.urunc.unikernel.{key}": value for key, value in THREE.items()}
    config = {"config": {**process, **({"Labels": named} if where == "labels" else {})}}
    annotations = named if where == "annotations" else {}
    return StoredImage(
        digest="sha256:0",
        media_type="",
        platform=Platform("linux", "amd64"),
        annotations=annotations,
        layers=(),
        config=json.dumps(config).encode(),
        raw=b"{}",
    )


def test_the_contract_has_the_user_of_the_image_or_the_one_asked_for() -> None:
    assert boot.contract(image(PROCESS), USERS).uid == 101
    other = boot.contract(image(PROCESS), USERS, user="1000")
    assert (other.uid, other.gid) == (1000, 0)


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_older_uruncs_read_the_file_alone(where: str) -> None:
    """Their shims hand over neither annotations nor labels (docs/contract/urunc.md 6)."""
    assert boot.contract(image(PROCESS, where), USERS, version=NEWEST.name).keys == THREE
    with pytest.raises(NotBootable, match="ordinary container"):
        boot.contract(image(PROCESS, where), USERS, version="0.7.0")


PANIC = "[    1.5] Kernel panic - not syncing: "


@pytest.mark.parametrize(
    ("machine", "output", "expected"),
    [
        (0, "", 0),
        (0, "hello\nhutch-init: exit status 0\n[    1.5] reboot: Restarting system\n", 0),
        (0, "hutch-init: cannot run x: not found\nhutch-init: exit status 127\n", 127),
        (0, "no newlinehutch-init: exit status 3\n", 3),
        (0, "hutch-init: exit status 137\n", 137),
        (0, f"{PANIC}VFS: Unable to mount root fs on unknown-block(0,0)\n", FAILED),
        (0, f"text{PANIC}Attempted to kill init! exitcode=0x00000300\n", 3),
        (0, f"{PANIC}Attempted to kill init! exitcode=0x0000000b\n", 139),
        (0, f"{PANIC}Attempted to kill init! exitcode=0x00000000\n", FAILED),
        (0, "Kernel panic - not syncing: No working init found.\n", FAILED),
        (0, "panic: cannot mount root, error = 2\n", FAILED),
        (0, f"{PANIC}of which a log tells\nhutch-init: exit status 0\n", 0),
        (0, "a log: hutch-init: exit status 4 is what it printed\n", 0),
        (1, "qemu: Could not open '/b': Permission denied\n", 1),
        (None, "hutch-init: exit status 0\n", None),
    ],
)
def test_a_boots_status_is_the_guests(
    machine: int | None, output: str, expected: int | None
) -> None:
    """QEMU ends with 0 whatever the guest did, so that nobody could tell by it."""
    assert Outcome(output, machine, 1.0).status == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs processes as others")
def test_the_monitor_runs_as_the_user(tmp_path: Path) -> None:
    with boot.Guest(["id"], user=User(1234, 5678, (5678, 77))) as guest:
        outcome = guest.wait(30)
    assert outcome.status == 0
    assert outcome.output.split() == ["uid=1234", "gid=5678", "groups=5678,77"]


STARTS = """
import subprocess, sys
from frontend.images import boot
child = subprocess.Popen(["sleep", "600"], preexec_fn=boot._die_with_parent)
print(child.pid, flush=True)
sys.stdin.read()
"""


def test_a_guest_does_not_outlive_a_killed_command() -> None:
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        child = Path("/proc", parent.stdout.readline().strip())
        assert child.exists()
        parent.kill()
    for _ in range(1000):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "(sleep) Z" not in (child / "stat").read_text():
                time.sleep(0.01)
                continue
        return
    pytest.fail("it did")
