"""urunc: the facts that builds need, and where the others are.

`keys` checks what a build's file says, `versions` has what differs from one urunc to the next, and
`guests` makes the command lines of monitors. Numbers are sections of the contract's page on urunc.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from frameworks.runtime import monitors
from frameworks.runtime.base import BootFacts, Keys, Runtime, Slot

if TYPE_CHECKING:
    from frameworks.diagnostics import Collector
    from frameworks.runtime.machine import Contract, Files, Machine
    from frameworks.spec import Text

KEYS = Keys(
    type="unikernelType",
    monitor="hypervisor",
    version="unikernelVersion",
    kernel="binary",
    initrd="initrd",
    disk="block",
    mount="blkMntPoint",
    tree="mountRootfs",
    command="cmdline",
    solo5_net="solo5NetDev",
    solo5_disk="solo5BlkDev",
)
"""The annotations' names without their prefix (1.1)."""

GUESTS: Mapping[str, str] = {
    "mirage": "0.5.0",
    "rumprun": "0.5.0",
    "unikraft": "0.5.0",
    "linux": "0.6.0",
    "mewz": "0.6.0",
    "hermit": "2026-05",
    "freebsd": "next",
}
"""A type of guests -> the first version that has them (`versions.VERSIONS`)."""

# QEMU's user network, which taps follow here: the guest's address, the gateway, and the name
# server, which is QEMU's alone. urunc takes a tap's own.
ADDRESS = "10.0.2.15"
GATEWAY = "10.0.2.2"
NAME_SERVER = "10.0.2.3"
TAP = "tap0_urunc"

SLOTS: Mapping[str, tuple[Slot, ...]] = {
    "mirage": (
        Slot("net", "network", "service", KEYS.solo5_net),
        Slot("block", "block", "storage", KEYS.solo5_disk),
    ),
    "rumprun": (Slot("net", "network", "tap"), Slot("block", "block", "rootfs")),
}
"""A Mirage guest's devices have the names of two keys, Rumprun's always the same two (1.1, 2.1)."""

LONGEST_DEVICE = 67


class Urunc(Runtime):
    """urunc, from 0.5 to what is to come."""

    name: ClassVar[str] = "urunc"
    prefix: ClassVar[str] = "com.urunc.unikernel."
    keys: ClassVar[Keys] = KEYS
    optional: ClassVar[frozenset[str]] = frozenset({KEYS.solo5_net, KEYS.solo5_disk, "useDMBlock"})
    false: ClassVar[frozenset[str]] = frozenset("0 f F FALSE false False".split())
    file: ClassVar[str] = "/urunc.json"
    system: ClassVar[str] = "linux"
    monitors: ClassVar[Mapping[str, monitors.Monitor]] = monitors.TABLE
    # The host's default (1.5).
    memory: ClassVar[int] = 256
    init: ClassVar[str] = "/urunit"
    # urunc executes the monitor as the container's user, whom `docker run -u` and Kubernetes'
    # `runAsUser` may set to any number, so that no owner which the image could name is sure to be
    # the right one (6; pkg/unikontainers/unikontainers.go, setupUser; seen under 0.6 to 2026-08).
    # Monitors open a drive for writing, whatever is on it (QEMU without `readonly=on`, Firecracker
    # with `is_read_only: false`), and an initrd to read it.
    drive_mode: ClassVar[int] = 0o666
    initrd_mode: ClassVar[int] = 0o644
    versions: ClassVar[tuple[str, ...]] = ("0.5.0", "0.6.0", "0.7.0", "2026-05", "2026-08", "next")
    newest: ClassVar[str] = "2026-08"

    address: ClassVar[str] = ADDRESS
    gateway: ClassVar[str] = GATEWAY
    tap: ClassVar[str] = TAP
    portable: ClassVar[frozenset[str]] = frozenset({"freebsd", "linux"})
    with_volumes: ClassVar[Mapping[str, str]] = {
        "freebsd": "ext2",
        "linux": "ext4",
        "netbsd": "ext2",
    }
    # By QEMU's device isa-debug-exit (2.2).
    with_status: ClassVar[frozenset[str]] = frozenset({"mewz"})

    def first_version(self, type: str) -> str | None:
        """No urunc has NetBSD guests (2.3)."""
        return GUESTS.get(type)

    def starts(self, type: str, monitor: str) -> tuple[str, ...]:
        """Guests and monitors came one after the other."""
        from frameworks.runtime.urunc.versions import VERSIONS

        return tuple(
            name
            for name, each in VERSIONS.items()
            if type in each.guests and monitor in each.monitors
        )

    def hands_init(self, word: str) -> bool:
        """urunc looks for its own init's name anywhere in the path."""
        return "urunit" in word

    def slots(self, type: str) -> tuple[Slot, ...]:
        """One network device and one disk, where it starts such guests on Solo5."""
        return SLOTS.get(type, ())

    def is_device_name(self, name: str) -> bool:
        """Letters and digits (1.1)."""
        return name.isascii() and name.isalnum() and len(name) <= LONGEST_DEVICE

    def path_fault(self, path: str, *, root: bool = False) -> str:
        """What 0.8 refuses (1.3); what came before breaks on some of it later."""
        from frameworks.runtime.urunc.keys import path_fault

        return path_fault(path, root=root)

    def check(self, keys: Mapping[Text, Text], problems: Collector) -> None:
        """From 0.8 on it starts no image with a value that it does not take."""
        from frameworks.runtime.urunc.keys import check

        check(keys, problems)

    def annotate(self, facts: BootFacts) -> dict[str, str]:
        """`cmdline` is for urunc before 0.6, which knows no arguments but these; later ones take
        the config's entrypoint and command."""
        keys = {
            KEYS.type: facts.type,
            KEYS.monitor: facts.monitor,
            KEYS.tree: "true" if facts.tree else "false",
        }
        if facts.kernel:
            keys[KEYS.kernel] = facts.kernel
        if facts.args:
            keys[KEYS.command] = " ".join(facts.args)
        if facts.version is not None:
            keys[KEYS.version] = facts.version
        if facts.initrd:
            keys[KEYS.initrd] = facts.initrd
        if facts.disk:
            keys[KEYS.disk] = facts.disk
            keys[KEYS.mount] = facts.mount
        keys.update(facts.more)
        return {self.prefix + name: keys[name] for name in sorted(keys)}

    def written(self, keys: Mapping[str, str]) -> bytes:
        """Values in base64, which every urunc decodes (1.2)."""
        encoded = {name: b64encode(value.encode()).decode() for name, value in sorted(keys.items())}
        return json.dumps(encoded, indent=2).encode() + b"\n"

    def read(self, data: bytes) -> dict[str, str]:
        """The same, backwards."""
        from llb import strictjson

        try:
            values = strictjson.loads(data)
            return {key: b64decode(value, validate=True).decode() for key, value in values.items()}
        except (AttributeError, TypeError) as error:
            raise ValueError(str(error)) from None

    def effective(
        self,
        annotations: Mapping[str, str],
        labels: Mapping[str, str],
        file: Mapping[str, str],
        version: str,
    ) -> dict[str, str]:
        """A label gives way to the annotation of the same name; `/urunc.json` counts only when the
        three keys that urunc needs are not all there, and alone for a version before there was a
        shim that hands the others over (1.2)."""
        from frameworks.runtime.urunc.versions import NEWEST, VERSIONS

        keys = {**labels, **annotations}
        hands_over = (VERSIONS[version] if version else NEWEST).spec_keys == "plain"
        return keys if hands_over and all(name in keys for name in KEYS.needed) else dict(file)

    def arguments(
        self, keys: Mapping[str, str], args: tuple[str, ...], version: str
    ) -> tuple[str, ...]:
        """The process's, or those of `cmdline` (1.1)."""
        from frameworks.runtime.urunc.versions import VERSIONS, usual

        reads = (VERSIONS[version] if version else usual(keys[KEYS.type])).arguments
        if reads == "cmdline" or (reads == "process, cmdline" and not args):
            return tuple(keys.get(KEYS.command, "").split())
        return args

    def command(self, contract: Contract, files: Files, machine: Machine) -> list[str]:
        """As the real urunc's was seen to be (2.2)."""
        from frameworks.runtime.urunc import guests

        return guests.command(contract, files, machine)

    def init_file(self, contract: Contract, machine: Machine) -> bytes | None:
        """What it hands to `urunit` (3)."""
        from frameworks.runtime.urunc import guests

        return guests.init_file(contract, machine)
