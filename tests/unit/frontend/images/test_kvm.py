"""When the processor can run a guest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frameworks import architectures
from frontend.images import kvm

HERE = next(each.name for each in architectures.TABLE.values() if each.cpu == os.uname().machine)
OTHER = next(name for name in architectures.TABLE if name != HERE)


def test_another_architecture() -> None:
    assert kvm.obstacle(OTHER, 0, ()) == f"this machine's processor is {os.uname().machine}"


def test_no_device(tmp_path: Path) -> None:
    assert "there is no" in kvm.obstacle(HERE, 0, (), str(tmp_path / "kvm"))


def test_the_monitors_user_has_to_be_let_in(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch(0o660)
    device.chmod(0o660)
    info = device.stat()
    assert "user 4321 may not use" in kvm.obstacle(HERE, 4321, (4321,), str(device))
    for uid, groups in ((0, ()), (info.st_uid, ()), (4321, (info.st_gid,))):
        assert "may not use" not in kvm.obstacle(HERE, uid, groups, str(device))


def test_a_processor_that_only_looks_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paravirtual KVM makes machines, and breaks at the first kernel."""
    device = tmp_path / "kvm"
    device.touch()
    monkeypatch.setattr(kvm, "_flags", lambda: frozenset({"lm", "hypervisor"}))
    assert "neither vmx nor svm" in kvm.obstacle(HERE, 0, (), str(device))
    monkeypatch.setattr(kvm, "_flags", lambda: frozenset({"lm", "vmx"}))
    assert "makes no machine" in kvm.obstacle(HERE, 0, (), str(device))  # a file is no device
