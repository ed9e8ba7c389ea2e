"""What a runtime is to hutch: what it reads of an image, and how it starts the guest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from frameworks.diagnostics import Collector
    from frameworks.runtime.machine import Contract, Files, Machine
    from frameworks.runtime.monitors import Monitor
    from frameworks.spec import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The short names of a runtime's keys, by what each says of an image.

    `type` is the guest's, `monitor` and `version` are names; `kernel`, `initrd` and `disk` name
    files of the image, and `mount` is where the guest mounts the disk; `tree` says that the image's
    own files are the root; `command` is the process in one line. `solo5_net` and `solo5_disk` are
    what a Solo5 kernel calls its devices.
    """

    type: str
    monitor: str
    version: str
    kernel: str
    initrd: str
    disk: str
    mount: str
    tree: str
    command: str
    solo5_net: str
    solo5_disk: str

    @property
    def files(self) -> tuple[str, str, str]:
        """Those that name a file of the image."""
        return self.kernel, self.initrd, self.disk

    @property
    def roots(self) -> tuple[str, str]:
        """Those that name a file that may be the guest's root."""
        return self.initrd, self.disk

    @property
    def needed(self) -> tuple[str, str, str]:
        """Those without which an image is no guest's."""
        return self.type, self.monitor, self.kernel

    def root(self, values: Mapping[str, str]) -> str:
        """The key by which `values` name a file that is the guest's root; "" for none."""
        if values.get(self.initrd):
            return self.initrd
        return self.disk if values.get(self.disk) and values.get(self.mount) == "/" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BootFacts:
    """The facts by which the runtime boots an image.

    `type` is the guest's, `monitor` and `version` are names; `kernel`, `initrd` and `disk` are
    paths in the image, "" for none, and `mount` is where the guest mounts the disk. `tree` says
    that the image's own files are the root. `args` is the process. `more` are keys by their short
    names that the build's file gives itself; they win.
    """

    type: str
    monitor: str
    version: str | None = None
    kernel: str = ""
    initrd: str = ""
    disk: str = ""
    mount: str = ""
    tree: bool = False
    args: tuple[str, ...] = ()
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slot:
    """A device that the runtime can attach to a Solo5 kernel.

    `kind` is the kernel's word for it, `words` a user's; `name` is what the runtime calls it, and
    `key` the short name of the key that changes the name, "" where none does.
    """

    kind: Literal["net", "block"]
    words: str
    name: str
    key: str = ""


class Runtime(ABC):
    """A program that starts guests from images: which facts of it hutch needs.

    urunc is the one that there is (`frameworks.runtime.urunc`). Another is another class like it,
    in the place of `frameworks.runtime.RUNTIME`.
    """

    name: ClassVar[str]
    """How users call it."""
    prefix: ClassVar[str]
    """How the full names of its keys start."""
    keys: ClassVar[Keys]
    optional: ClassVar[frozenset[str]]
    """Keys that follow from nothing else in a bunnyfile: it may say them under `annotations`."""
    false: ClassVar[frozenset[str]]
    """Values of `keys.tree` that say no."""
    file: ClassVar[str]
    """The file of an image in which it finds the keys, too (`written`)."""
    system: ClassVar[str]
    """The operating system of its hosts, as platforms name it."""
    monitors: ClassVar[Mapping[str, Monitor]]
    """The monitors that it starts guests on, by name."""
    memory: ClassVar[int]
    """The MiB that a guest gets whose container has no limit, before `Monitor.memory`."""
    init: ClassVar[str]
    """Where an init program is that it hands its configuration to."""
    drive_mode: ClassVar[int]
    """The mode that lets the monitor open a disk of the image, whoever the container's user is."""
    initrd_mode: ClassVar[int]
    """The mode that lets it open an initrd."""
    versions: ClassVar[tuple[str, ...]]
    """Its versions, by name, whose ways a boot can follow; the oldest first."""
    newest: ClassVar[str]
    """The newest of them that was run."""

    address: ClassVar[str] = ""
    """The address of a guest that `hutch run` gives a network, and its gateway's; `tap` is the
    device where it takes one."""
    gateway: ClassVar[str] = ""
    tap: ClassVar[str] = ""
    portable: ClassVar[frozenset[str]] = frozenset()
    """Types of guests whose kernels do not depend on the monitor."""
    with_volumes: ClassVar[Mapping[str, str]] = {}
    """Types of guests that `hutch run -v` gives further disks, and what file system these have."""
    with_status: ClassVar[frozenset[str]] = frozenset()
    """Types of guests that end a virtual machine with a status of theirs."""

    def short(self, keys: Mapping[str, str]) -> dict[str, str]:
        """The runtime's keys among annotations or labels, by short name."""
        return {
            name.removeprefix(self.prefix): value
            for name, value in keys.items()
            if name.startswith(self.prefix)
        }

    @abstractmethod
    def first_version(self, type: str) -> str | None:
        """The first of `versions` that starts guests of this type; None where none does."""

    def starts(self, type: str, monitor: str) -> tuple[str, ...]:
        """Those of `versions` that start guests of this type on this monitor."""
        return self.versions if self.first_version(type) and monitor in self.monitors else ()

    @abstractmethod
    def hands_init(self, word: str) -> bool:
        """Whether it writes a configuration for a Linux guest's init of this path."""

    @abstractmethod
    def slots(self, type: str) -> tuple[Slot, ...]:
        """The devices that it attaches to a Solo5 kernel of a guest of this type."""

    @abstractmethod
    def is_device_name(self, name: str) -> bool:
        """Whether it takes `name` as the name of such a device."""

    @abstractmethod
    def path_fault(self, path: str, *, root: bool = False) -> str:
        """What is wrong with a path of the image, as the end of a sentence; "" for nothing.

        `root` allows `/` itself, which only a mount point may be.
        """

    @abstractmethod
    def check(self, keys: Mapping[Text, Text], problems: Collector) -> None:
        """Note what it would not take of `keys`, which are short names and values."""

    @abstractmethod
    def annotate(self, facts: BootFacts) -> dict[str, str]:
        """The keys for `facts`, by full name, sorted: annotations of the manifest, and labels."""

    @abstractmethod
    def written(self, keys: Mapping[str, str]) -> bytes:
        """The content of `file`, of keys by full name."""

    @abstractmethod
    def read(self, data: bytes) -> dict[str, str]:
        """The keys of such a file by full name. Raises ValueError for what is none."""

    @abstractmethod
    def effective(
        self,
        annotations: Mapping[str, str],
        labels: Mapping[str, str],
        file: Mapping[str, str],
        version: str,
    ) -> dict[str, str]:
        """The keys that count, by short name, of those that an image has in three places."""

    @abstractmethod
    def arguments(
        self, keys: Mapping[str, str], args: tuple[str, ...], version: str
    ) -> tuple[str, ...]:
        """What the guest gets of the image's process `args` and its keys."""

    @abstractmethod
    def command(self, contract: Contract, files: Files, machine: Machine) -> list[str]:
        """The monitor's command line for a contract. Raises NotBootable for what it cannot run."""

    @abstractmethod
    def init_file(self, contract: Contract, machine: Machine) -> bytes | None:
        """What it hands to the guest's init; None where it hands nothing.

        For a root that is an initrd that is an archive to append to it, else a file of its own.
        """
