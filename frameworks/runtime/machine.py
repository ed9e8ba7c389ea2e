"""What is booted without a runtime: what an image says, its files, and the machine around it.

Only for `frontend.images.boot`; no build needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from frameworks.runtime import RUNTIME

MASK = "255.255.255.0"
"""Of the guest's address, where nobody says another."""

_KEYS = RUNTIME.keys


class NotBootable(Exception):
    """Why an image cannot be booted here, in one line for the user."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What an image tells the runtime: its keys by short name (`RUNTIME.keys`), and the process.

    `args` is the entrypoint and the command; `env` has `KEY=value` entries; `groups` are further
    groups of the user.
    """

    keys: Mapping[str, str]
    args: tuple[str, ...]
    env: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    workdir: str = "/"

    @property
    def type(self) -> str:
        """The guest's type, "" for none."""
        return self.keys.get(_KEYS.type, "")

    @property
    def monitor(self) -> str:
        """The monitor's name, "" for none."""
        return self.keys.get(_KEYS.monitor, "")

    @property
    def rootfs(self) -> str:
        """`initrd`, `block`, `share` or `none`: what the runtime would make of it
        (docs/contract/urunc.md 2.1)."""
        if self.keys.get(_KEYS.initrd):
            return "initrd"
        if self.keys.get(_KEYS.disk) and self.keys.get(_KEYS.mount) == "/":
            return "block"
        return "share" if self.keys.get(_KEYS.tree, "").lower() in ("1", "t", "true") else "none"


@dataclass(frozen=True, slots=True)
class Files:
    """The contract's files, on this machine.

    `share` is the unpacked image, which the guest shares; `config` what the runtime tells the
    guest's init, where that is a file of its own; `monitor` where the monitor's own configuration
    is (Firecracker's).
    """

    kernel: str
    initrd: str | None = None
    block: str | None = None
    share: str | None = None
    config: str | None = None
    monitor: str = "/tmp/fc.json"


@dataclass(frozen=True, slots=True)
class Volume:
    """A filesystem image that the runtime attaches, and where the guest mounts it."""

    file: str
    mount: str


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of this host that leads to one of the guest's; `protocol` is `tcp` or `udp`."""

    host: int
    guest: int
    address: str = "127.0.0.1"
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Machine:
    """The virtual machine around the guest.

    `memory` is in MiB, as a container's limit; `forwards` are ports of this host that lead to the
    guest's; with `network` off the guest has no network device. With `tap` QEMU's guests, too, are
    at a tap device, as the runtime's are, and not in QEMU's user network. `mask` is of the guest's
    address: a gateway outside of it is reached as Kubernetes' networks need it. `dhcp` is for a
    guest that finds its address by itself, as no runtime has it. `parameters` are more words for
    Linux's command line.

    `version` is the runtime's whose ways are followed (`RUNTIME.versions`), "" for the usual one of
    the guest.
    """

    architecture: str = "amd64"
    memory: int = 256
    network: bool = False
    tap: bool = False
    forwards: tuple[Forward, ...] = ()
    mask: str = MASK
    dhcp: bool = False
    kvm: bool = False
    volumes: tuple[Volume, ...] = ()
    parameters: tuple[str, ...] = ()
    version: str = ""
