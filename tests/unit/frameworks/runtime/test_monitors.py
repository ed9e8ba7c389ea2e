"""The rows of the monitors: what each says is whole, and whoever reads it knows every value."""

from __future__ import annotations

import json

import pytest

from frameworks import architectures
from frameworks.kernelfile import KernelFile, complaint
from frameworks.linux.roots import ways
from frameworks.runtime import RUNTIME, monitors
from frameworks.runtime.machine import Contract, Files, Machine, NotBootable
from frameworks.runtime.monitors import Monitor, UnknownMonitor

EACH = pytest.mark.parametrize("monitor", list(monitors.TABLE.values()), ids=lambda each: each.name)
MACHINES = [each for each in monitors.TABLE.values() if each.kind == "machine"]
MACHINE = pytest.mark.parametrize("monitor", MACHINES, ids=lambda each: each.name)
KERNEL = "/.boot/kernel"


def linux(monitor: Monitor, **keys: str) -> Contract:
    said = {"unikernelType": "linux", "hypervisor": monitor.name, "binary": KERNEL, **keys}
    return Contract(said, ("/urunit", "/hoot"))


def test_names_that_others_have() -> None:
    assert monitors.others() == {"virtio": "qemu", "fc": "firecracker"}


@EACH
def test_a_row_is_whole(monitor: Monitor) -> None:
    assert monitors.get(monitor.name) is monitor
    assert monitor.since in RUNTIME.versions
    assert set(monitor.architectures) <= set(architectures.ALL)
    assert all(monitor.forms(architecture) for architecture in monitor.architectures)
    assert monitor.forms("riscv64") == ()
    assert (monitor.kind == "machine") == bool(monitor.bus)
    assert bool(monitor.console) == (monitor.kind == "machine" and monitor is not monitors.QEMU)
    assert (monitor.kind == "tender") == (monitor.solo5 == monitor.name)
    assert monitor.configuration is None or monitor.command is not None


@EACH
def test_what_it_cannot_boot_is_said_of_every_kernel(monitor: Monitor) -> None:
    for architecture in architectures.ALL:
        wrong = complaint(KernelFile("gzip"), monitor.name, architecture)
        booted = {"gzip", "any"} & set(monitor.forms(architecture))
        assert bool(wrong) == (not booted), wrong


@MACHINE
def test_linux_finds_its_root_on_every_machine(monitor: Monitor) -> None:
    for kind in ("block", "raw"):
        assert all(len(way) > 1 for way in ways(kind, monitor.name, "ext4"))
    assert len(ways("raw", monitor.name)) == max(1, len(monitor.shares))


@MACHINE
def test_every_machine_boots_linux_here(monitor: Monitor) -> None:
    """Its command line, or the file that this names, has the kernel and Linux's parameters."""
    said, machine = linux(monitor, initrd="/i"), Machine(version=RUNTIME.versions[-1])
    files = Files("/K", "/I", monitor="/conf")
    words = RUNTIME.command(said, files, machine)
    if monitor.configuration is not None:
        assert "/conf" in words
        words = [monitor.configuration(said, files, machine)]
    assert "/K" in json.dumps(words)
    assert "rdinit=/urunit -- /hoot" in json.dumps(words)


@MACHINE
def test_a_shared_root_is_mounted_or_refused(monitor: Monitor) -> None:
    said, files = linux(monitor, mountRootfs="true"), Files("/K", share="/S")
    machine = Machine(version=RUNTIME.versions[-1])
    line = monitor.configuration or RUNTIME.command
    if monitor.shares:
        kind = {"9p": "rootfstype=9p", "virtiofs": "rootfstype=virtiofs"}[monitor.shares[0]]
        assert kind in json.dumps(line(said, files, machine))
        return
    with pytest.raises(NotBootable, match=f"^{monitor.name} cannot share a directory"):
        line(said, files, machine)


@EACH
def test_what_has_no_command_line_is_refused(monitor: Monitor) -> None:
    if monitor.command is not None:
        return
    said = Contract({"unikernelType": "unikraft", "hypervisor": monitor.name}, ())
    with pytest.raises(NotBootable, match=f"^unikraft guests on {monitor.name} cannot be booted"):
        RUNTIME.command(said, Files("/K"), Machine(version=RUNTIME.versions[-1]))


def test_memory_is_as_each_monitor_takes_it() -> None:
    """Millions of bytes for MiB, but for Firecracker (docs/contract/urunc.md 1.5)."""
    given = {each.name: each.memory(RUNTIME.memory) for each in monitors.TABLE.values()}
    assert given.pop("firecracker") == 256
    assert set(given.values()) == {268}


def test_a_name_in_no_row_is_an_error_and_no_default() -> None:
    for ask in (monitors.get, lambda name: ways("raw", name)):
        with pytest.raises(UnknownMonitor, match=r"^there is no monitor 'qemuu'; there are: qemu"):
            ask("qemuu")
    said = Contract({"unikernelType": "linux", "hypervisor": "qemuu", "binary": KERNEL}, ("/x",))
    with pytest.raises(NotBootable, match=r"^urunc 2026-08 does not know qemuu$"):
        RUNTIME.command(said, Files("/K"), Machine())
    netbsd = Contract({**said.keys, "unikernelType": "netbsd"}, ("/x",))
    with pytest.raises(NotBootable, match=r"^netbsd guests on qemuu cannot be booted here$"):
        RUNTIME.init_file(netbsd, Machine())


def test_the_words_of_the_schema() -> None:
    assert monitors.words() == "qemu, firecracker or cloud-hypervisor, or Solo5's hvt and spt"
