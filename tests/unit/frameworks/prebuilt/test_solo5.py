"""What a Solo5 kernel wants, and what urunc attaches to it."""

from __future__ import annotations

import pytest

from frameworks.diagnostics import Problems
from frameworks.kernelfile import Device
from frameworks.prebuilt import solo5
from llb import Position, Range
from tests.unit.core.helpers import lower

NET, BLOCK = "net", "block"
AT = Range(Position(3), Position(3, 5))
DISK = "rootfs: {from: local, path: disk, type: block}\n"
KEY = "annotations: {com.urunc.unikernel.solo5NetDev: lan}\n"


def keys(framework: str, *devices: tuple[str, str], rest: str = "") -> dict[str, str]:
    text = f"version: v1\nplatforms: {{framework: {framework}, monitor: hvt}}\n"
    plan = lower(text + "kernel: {from: local, path: k}\n" + rest).plan
    assert solo5.wanted(plan)
    return dict(solo5.keys(plan, tuple(Device(*each) for each in devices), AT))


def test_names_become_keys() -> None:
    assert keys("mirage") == {}
    assert keys("mirage", (NET, "service")) == {}
    assert keys("mirage", (NET, "service0")) == {"solo5NetDev": "service0"}
    assert keys("mirage", (BLOCK, "disk"), (NET, "lan"), rest=DISK) == {
        "solo5NetDev": "lan",
        "solo5BlkDev": "disk",
    }
    assert keys("mirage", (NET, "lan"), rest=KEY) == {"solo5NetDev": "lan"}
    assert keys("rumprun", (NET, "tap"), (BLOCK, "rootfs"), rest=DISK) == {}
    raw = "rootfs: {from: scratch, type: raw}\n"
    assert keys("rumprun", (NET, "tap"), (BLOCK, "rootfs"), rest=raw) == {}
    assert keys("rumprun", (NET, "tap"), rest=raw) == {}


@pytest.mark.parametrize(
    ("framework", "devices", "rest", "says"),
    [
        ("mirage", [(NET, "a"), (NET, "b")], "", "wants 2 network devices (a, b)"),
        ("mirage", [(BLOCK, "a")], "", "wants the block device 'a', and the image has no disk"),
        ("mirage", [], DISK, "wants no block device"),
        ("mirage", [(NET, "lan2")], KEY, "'solo5NetDev' names 'lan'"),
        ("mirage", [], KEY, "wants no network device"),
        ("mirage", [(NET, "a-b")], "", "letters and digits only"),
        ("mirage", [("of type 9", "x")], "", "'x' of type 9, which urunc does not know"),
        ("rumprun", [(NET, "service")], "", "urunc calls it 'tap' for rumprun"),
        ("rumprun", [(BLOCK, "storage")], DISK, "urunc calls it 'rootfs' for rumprun"),
    ],
)
def test_what_cannot_be_attached(
    framework: str, devices: list[tuple[str, str]], rest: str, says: str
) -> None:
    with pytest.raises(Problems) as caught:
        keys(framework, *devices, rest=rest)
    (found,) = caught.value.diagnostics
    assert found.code == "unattachable-device"
    assert says in found.message
    assert found.at is not None


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        ([], ""),
        ([(NET, "lan")], ""),
        ([(NET, "a-b")], ""),
        ([(NET, "a"), (NET, "b")], "wants 2 network devices (a, b)"),
        ([(BLOCK, "storage")], "the block device 'storage', and urunc attaches none on qemu"),
        ([(BLOCK, "a"), (BLOCK, "b")], "wants 2 block devices (a, b)"),
        ([("of type 9", "x")], "'x' of type 9, which urunc does not know"),
    ],
)
@pytest.mark.parametrize("disk", [False, True])
def test_a_manifest_on_qemu(devices: list[tuple[str, str]], says: str, *, disk: bool) -> None:
    """One network by whatever name, no disk, and no key: urunc reads them for tenders."""
    text = "version: v1\nplatforms: {framework: mirage, monitor: qemu}\n"
    text += "kernel: {from: local, path: k}\n" + (DISK if disk else "")
    plan = lower(text).plan
    assert solo5.wanted(plan)
    wanted = tuple(Device(*each) for each in devices)
    if not says:
        assert solo5.keys(plan, wanted, AT) == {}
        return
    with pytest.raises(Problems) as caught:
        solo5.keys(plan, wanted, AT)
    (found,) = caught.value.diagnostics
    assert found.code == "unattachable-device"
    assert says in found.message


def test_other_guests_have_no_manifest() -> None:
    text = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
    assert not solo5.wanted(lower(text + "kernel: {from: local, path: k}\n").plan)
