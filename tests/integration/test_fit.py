"""The bound of the rule LargeInitrd: what it lets pass boots, and what it warns of does not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from frontend.images import boot
from tests.integration.harness import Builder, Guests

pytestmark = pytest.mark.integration

FILE = """
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source}
rootfs: {type: initrd, include: ["hello:/hello", "fill:/fill"]}
cmd: [/hello]
"""


@pytest.mark.parametrize(("size", "fits"), [(116, True), (124, False)])
def test_the_largest_initrd(
    builder: Builder, project: Path, linux: Guests, size: int, fits: bool
) -> None:
    shutil.copy(linux.hello, project / "hello")
    (project / "fill").touch()
    os.truncate(project / "fill", size << 20)
    done = builder.build(project, FILE)
    assert ("LargeInitrd" in done.log) is not fits
    outcome = boot.boot(done.ref, timeout=120)
    assert ("argument 0: /hello" in outcome.output) is fits, outcome.output
    assert ("System is deadlocked on memory" in outcome.output) is not fits
