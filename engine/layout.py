"""Where the engine keeps its files, and which Dockers it knows how to run."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.report import EngineError

DEFAULT_STATE = "/var/lib/hutch-engine"
# A Unix socket's address holds 108 bytes with its final NUL (unix(7)).
LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, slots=True)
class Root:
    """A Debian root directory with a Docker: the suite it comes from and its packages."""

    suite: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flavour:
    """One Docker daemon that the engine can run.

    ``name`` is its directory, ``number`` the third byte of its bridge's network,
    ``containerd_store`` whether images live in containerd (OCI media types, annotations, indexes)
    or in the older graph drivers.
    """

    name: str
    root: Root
    number: int
    containerd_store: bool


@dataclass(frozen=True, slots=True)
class Place:
    """What a daemon owns in the host's kernel.

    ``block`` and ``number`` are the middle bytes of its network, 10.x.y.0/24.
    """

    block: int
    number: int

    @property
    def bridge(self) -> str:
        """Name of the bridge (the kernel takes up to 15 bytes)."""
        return f"{BRIDGES}{self.block}-{self.number}"

    @property
    def address(self) -> str:
        """The bridge's own address."""
        return f"10.{self.block}.{self.number}.1"

    @property
    def subnet(self) -> str:
        """The network that containers get their addresses from."""
        return f"10.{self.block}.{self.number}.0/24"

    @property
    def cgroup(self) -> str:
        """Parent of the cgroups of this daemon's containers, so that they can be removed."""
        return f"hutch-engine-{self.block}-{self.number}"


BRIDGES = "hutch"
DEFAULT_BLOCK = 213
COMMON = ("ca-certificates", "containerd", "git", "iproute2", "iptables", "openssh-client", "runc")
FORKY = Root("forky", (*COMMON, "docker-buildx", "docker-cli", "docker-registry", "docker.io"))
BOOKWORM = Root("bookworm", (*COMMON, "docker.io"))

FLAVOURS = {
    ("28", "containerd"): Flavour("28", FORKY, 28, True),
    ("28", "classic"): Flavour("28-classic", FORKY, 29, False),
    ("20.10", "classic"): Flavour("20.10", BOOKWORM, 20, False),
}
ENGINES = ("28", "20.10")
STORES = ("containerd", "classic")
DEFAULT = FLAVOURS["28", "containerd"]


def flavour(engine: str, store: str | None) -> Flavour:
    """The flavour for an engine version and a store; ``None`` is that version's best store."""
    wanted = store or ("containerd" if engine == "28" else "classic")
    found = FLAVOURS.get((engine, wanted))
    if found is None:
        raise EngineError(f"Docker {engine} has no {wanted} image store; it came later")
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths below the state directory."""

    state: Path

    @classmethod
    def from_environment(cls, environ: dict[str, str] | None = None) -> "Layout":
        """The layout below ``HUTCH_ENGINE_DIR``, or below the default.

        Raises EngineError for a path that is relative, has odd characters or leaves no room for a
        socket.
        """
        text = (os.environ if environ is None else environ).get("HUTCH_ENGINE_DIR") or DEFAULT_STATE
        if not re.fullmatch(r"/[A-Za-z0-9._+/-]+", text):
            raise EngineError(
                f"HUTCH_ENGINE_DIR={text!r} must be an absolute path of letters, digits, . _ + - /"
            )
        layout = cls(Path(os.path.normpath(text)))
        longest = max(len(str(layout.socket(f))) for f in FLAVOURS.values())
        if longest > LONGEST_SOCKET_PATH:
            raise EngineError(f"HUTCH_ENGINE_DIR={text!r} is too long: no room for a socket's path")
        return layout

    def place(self, chosen: Flavour) -> Place:
        """A daemon's place in the kernel.

        Another state directory is another engine, and may run beside this one.
        """
        if str(self.state) == DEFAULT_STATE:
            return Place(DEFAULT_BLOCK, chosen.number)
        digest = hashlib.sha256(str(self.state).encode()).digest()
        return Place(DEFAULT_BLOCK + 1 + digest[0] % 40, chosen.number)

    @property
    def lock(self) -> Path:
        """Held while the state changes."""
        return self.state / "lock"

    @property
    def roots(self) -> Path:
        """The Debian roots, one per suite and package list."""
        return self.state / "roots"

    @property
    def bin(self) -> Path:
        """``docker`` and ``docker-buildx`` for the host."""
        return self.state / "bin"

    @property
    def client_config(self) -> Path:
        """DOCKER_CONFIG of those clients: it knows where the buildx plugin is."""
        return self.state / "client"

    @property
    def registry(self) -> Path:
        """Storage, settings and log of the registry."""
        return self.state / "registry"

    @property
    def network(self) -> Path:
        """What the host's network settings were before the engine changed them."""
        return self.state / "network.json"

    def instance(self, chosen: Flavour) -> Path:
        """Directory of one daemon."""
        return self.state / "instances" / chosen.name

    def socket(self, chosen: Flavour) -> Path:
        """The daemon's API socket."""
        return self.instance(chosen) / "docker.sock"
