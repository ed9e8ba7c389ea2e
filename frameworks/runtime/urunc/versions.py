"""What differs from urunc to urunc, as data: one entry for each that was read, with its commit.

`guests` turns an entry and an image into a command line. The entries up to `NEWEST` were
built and run as well (docs/verified.md); `NEXT` is the newest that could be read. A fact that is
not here is the same in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from frameworks.runtime import monitors
from frameworks.runtime.urunc import GUESTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One urunc.

    `name` is its release, or the month of its main branch where releases are far apart;
    `read_at` the repository and commit that the facts were read at.

    What it runs, `guests` and `monitors` by the names that annotations have, follows from the first
    version that has each (`frameworks.runtime.urunc.GUESTS`, `Monitor.since`).

    What it reads: `arguments` are the process's, the annotation `cmdline` only where there are none
    (`process, cmdline`), or one of the two alone. `spec_keys` says how the keys among the bundle's
    annotations are encoded.

    What it tells a Linux guest: `configuration` is how an init called `urunit` is told its
    environment, user and volumes: not at all, in lines, or in records that end with a NUL.
    `trims` are the words of the command that lose blanks at their ends: those that have one inside,
    or all. `default_route` is whether it says that a gateway is out of the guest's network.

    What it tells monitors: `display` are QEMU's options for no window, `data` whether it names
    QEMU's own files, `processors` whether it counts them. `serial` is who asks for the serial port:
    `guest` is Linux, after `-no-reboot`. `network` is how QEMU is told of the tap device:
    `nic`, `nic with address`, or `netdev` with the MTU; `no_network` whether it is told that there
    is none. `disks` is their name: one disk `hd0`, or each by its serial number. `console` is
    Linux's on QEMU. `remap` is 9p's option for trees of several devices. `vsock` is whether
    Firecracker's configuration has an empty entry for it, `interfaces` an empty list of networks.
    `masks` are the guests that are told the network's real mask, not 24 bits; `trails` is whether
    Mewz's parameters end with a blank, `names_devices` whether Solo5's devices can have other names
    than the usual.
    """

    name: str
    read_at: str
    date: str
    arguments: Literal["cmdline", "process, cmdline", "process"]
    spec_keys: Literal["base64", "plain"]
    configuration: Literal["", "lines", "records"] = ""
    trims: Literal["spaced", "all"] = "spaced"
    default_route: bool = False
    display: tuple[str, ...] = ("-nographic", "-vga", "none")
    data: bool = True
    processors: bool = False
    serial: Literal["guest", "monitor"] = "guest"
    network: Literal["nic", "nic with address", "netdev"] = "nic"
    no_network: bool = True
    disks: Literal["hd0", "serial"] = "hd0"
    console: Literal["serial", "virtio"] = "serial"
    remap: bool = False
    vsock: bool = False
    interfaces: bool = True
    masks: frozenset[str] = frozenset()
    trails: bool = True
    names_devices: bool = False

    @property
    def guests(self) -> frozenset[str]:
        """The types of guests that it runs."""
        return frozenset(type for type, since in GUESTS.items() if self._has(since))

    @property
    def monitors(self) -> frozenset[str]:
        """The monitors that it runs guests on."""
        return frozenset(each.name for each in monitors.TABLE.values() if self._has(each.since))

    def _has(self, since: str) -> bool:
        return VERSIONS[since].date <= self.date


_0_5 = Version(
    name="0.5.0",
    read_at="urunc-dev/urunc@v0.5.0",
    date="2025-04-10",
    arguments="cmdline",
    spec_keys="base64",
    data=False,
    no_network=False,
)
_0_6 = replace(
    _0_5,
    name="0.6.0",
    read_at="gntouts/urunc@6d4cf5d",
    date="2025-07-14",
    arguments="process, cmdline",
    data=True,
    no_network=True,
)
_0_7 = replace(
    _0_6,
    name="0.7.0",
    read_at="urunc-dev/urunc@4e10440",
    date="2026-02-06",
    configuration="lines",
    trims="all",
    default_route=True,
    processors=True,
    network="nic with address",
    disks="serial",
    vsock=True,
    interfaces=False,
)
_2026_05 = replace(
    _0_7,
    name="2026-05",
    read_at="urunc-dev/urunc@f6ddb03",
    date="2026-05-17",
    spec_keys="plain",
    display=("-display", "none", "-vga", "none", "-serial", "stdio", "-monitor", "null"),
    serial="monitor",
    network="netdev",
    masks=frozenset({"mirage"}),
    trails=False,
)
_2026_08 = replace(
    _2026_05,
    name="2026-08",
    read_at="urunc-dev/urunc@9d371bc",
    date="2026-08-05",
    names_devices=True,
)
_NEXT = replace(
    _2026_08,
    name="next",
    read_at="safts/urunc@03ecb09, @04561a0, @6cb3ab2; urunc-dev/urunc@044598c, @1971287",
    date="2026-09",
    arguments="process",
    configuration="records",
    console="virtio",
    display=("-display", "none", "-vga", "none", "-monitor", "null"),
    remap=True,
    masks=frozenset({"mirage", "unikraft"}),
    vsock=False,
)

VERSIONS: Mapping[str, Version] = {
    each.name: each for each in (_0_5, _0_6, _0_7, _2026_05, _2026_08, _NEXT)
}
"""Every urunc that was read, by name, the oldest first."""

NEWEST = _2026_08
"""The newest that was run."""

NEXT = _NEXT
"""The newest that was read: what is to come."""


def usual(guest: str) -> Version:
    """The urunc to boot a guest of this type as when none is asked for.

    That is `NEWEST`, or the first after it that has such guests. For NetBSD, which no urunc has,
    it is `NEWEST`.
    """
    return NEXT if guest not in NEWEST.guests and guest in NEXT.guests else NEWEST
