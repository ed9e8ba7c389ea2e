"""What a build says of a command that its guest could not run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integration.harness import Builder

pytestmark = pytest.mark.integration

FILE = """
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {type: TYPE, include: ["root/bin:/bin", "root/app:/app", "root/lib64:/lib64"]}
cmd: [COMMAND]
"""


@pytest.fixture
def root(project: Path) -> Path:
    """A root with a dynamic program without its linker, scripts, and links to them."""
    made = project / "root"
    (made / "bin").mkdir(parents=True)
    (made / "app").mkdir()
    (made / "lib64").mkdir()
    shutil.copy("/bin/true", made / "app/dynamic")
    (made / "bin/linked").symlink_to("/app/dynamic")
    (made / "bin/plain").write_text("#!/bin/linked\n")
    (made / "bin/script").write_text("#!/bin/sh\n")
    (made / "bin/script").chmod(0o755)
    return made


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("type", ["initrd", "raw"])
def test_a_command_that_cannot_run(builder: Builder, project: Path, type: str) -> None:
    (project / "kernel").write_bytes(b"kernel")
    for command, why in (
        ("/bin/sever", "'/bin/sever': there is no such file in the root filesystem (line 7)"),
        # By PATH, through a link whose target is the guest's and not the builder's.
        ("linked", "'linked': its dynamic linker '/lib"),
        ("/bin/plain", "'/bin/plain': it has no execute bit (its mode is 0644) (line 7)"),
        ("script", "'script': it is a script for '/bin/sh', which is not in the root filesystem"),
    ):
        done = builder.build(project, FILE.replace("TYPE", type).replace("COMMAND", command))
        assert f"UnrunnableCommand: the guest cannot run {why}" in done.log


def test_a_command_that_runs(builder: Builder, project: Path, root: Path) -> None:
    (project / "kernel").write_bytes(b"kernel")
    linker = root / "lib64/ld-linux-x86-64.so.2"
    linker.write_bytes(b"")
    done = builder.build(project, FILE.replace("TYPE", "raw").replace("COMMAND", "linked"))
    assert "UnrunnableCommand" not in done.log
