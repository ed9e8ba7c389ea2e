"""What an image tells the runtime, how the monitor is started, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from frameworks.runtime.machine import Machine, NotBootable
from frameworks.runtime.urunc.versions import NEWEST
from frontend.images import boot
from frontend.images.boot import FAILED, Outcome
from frontend.images.oci import StoredImage
from frontend.images.users import User
from llb import Platform
from tests.places import ROOT
from tests.unit.core.imagefiles import USERS

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
    assert boot.contract_of(image(PROCESS), USERS).uid == 101
    other = boot.contract_of(image(PROCESS), USERS, user="1000")
    assert (other.uid, other.gid) == (1000, 0)


@pytest.mark.parametrize(("program", "reads"), [("/urunit", True), ("/bin/server", False)])
def test_who_is_told_the_working_directory(program: str, reads: bool) -> None:
    contract = boot.contract_of(image({"Cmd": [program]}), USERS)
    assert boot.reads_process(contract, Machine()) is reads


@pytest.mark.parametrize("where", ["labels", "annotations"])
def test_older_uruncs_read_the_file_alone(where: str) -> None:
    """Their shims hand over neither annotations nor labels (docs/contract/urunc.md 6)."""
    assert boot.contract_of(image(PROCESS, where), USERS, version=NEWEST.name).keys == THREE
    with pytest.raises(NotBootable, match="ordinary container"):
        boot.contract_of(image(PROCESS, where), USERS, version="0.7.0")


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
