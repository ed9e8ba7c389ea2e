"""Commands: the ExecOp.

`State.run` makes an ExecOp and returns an Exec, which gives the filesystems the command leaves
behind: the root and each writable bind mount. Rules of the wire (solver/pb/ops.proto,
client/llb/exec.go): the mounts are sorted by destination, so `/` is first; the index of an output
is its rank among the mounts that have one; secrets and then SSH sockets follow in the order given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from llb import paths
from llb.caps import Cap
from llb.mount import (
    BindMount,
    FilesystemMount,
    SecretEnv,
    SecretMount,
    SSHMount,
    capabilities_of,
    source_of,
)
from llb.platform import Platform
from llb.vertex import Output, Vertex

if TYPE_CHECKING:
    from llb.state import State


class Network(StrEnum):
    """What network a command sees. HOST needs the entitlement `network.host`."""

    SANDBOX = "sandbox"
    HOST = "host"
    NONE = "none"


class Security(StrEnum):
    """How much a command may do. INSECURE needs the entitlement `security.insecure`."""

    SANDBOX = "sandbox"
    INSECURE = "insecure"


@dataclass(frozen=True, slots=True)
class Ulimit:
    """A limit of a process (`nofile`, `nproc`, ...); -1 means unlimited."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Proxy:
    """Proxy settings that a command sees in its environment and that its cache key leaves out."""

    http: str = ""
    https: str = ""
    ftp: str = ""
    no: str = ""
    all: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the worker by its CDI name (`vendor.com/class=name`)."""

    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ExecOp(Vertex):
    """A command. `filesystems` are sorted by destination and start with the root."""

    args: tuple[str, ...]
    cwd: str
    filesystems: tuple[FilesystemMount, ...]
    env: tuple[tuple[str, str], ...] = ()
    user: str = ""
    hostname: str = ""
    cgroup_parent: str = ""
    hosts: tuple[tuple[str, str], ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    proxy: Proxy | None = None
    valid_exit_codes: tuple[int, ...] = ()
    network: Network = Network.SANDBOX
    security: Security = Security.SANDBOX
    devices: tuple[Device, ...] = ()
    secrets: tuple[SecretMount, ...] = ()
    secret_env: tuple[SecretEnv, ...] = ()
    sockets: tuple[SSHMount, ...] = ()
    platform: Platform | None = None

    @property
    def inputs(self) -> tuple[Output, ...]:
        edges: dict[Output, None] = {}
        for mount in self.filesystems:
            edge = source_of(mount)
            if edge is not None:
                edges[edge] = None
        return tuple(edges)

    def output_index(self, dest: str) -> int:
        """Return the index of the output mounted at `dest`; ValueError if there is none."""
        index = 0
        for mount in self.filesystems:
            keeps = isinstance(mount, BindMount) and mount.keep
            if mount.dest == dest:
                if keeps:
                    return index
                raise ValueError(f"the mount at {dest!r} keeps nothing of what is written to it")
            index += keeps
        raise ValueError(f"nothing is mounted at {dest!r}")

    def capabilities(self) -> Iterator[str]:
        yield Cap.EXEC_BASE
        for mount in self.filesystems:
            yield from capabilities_of(mount)
        wanted = (
            (self.secrets or self.secret_env, Cap.MOUNT_SECRET),
            (self.secret_env, Cap.EXEC_SECRET_ENV),
            (self.sockets, Cap.MOUNT_SSH),
            (self.ulimits, Cap.EXEC_ULIMIT),
            (self.cgroup_parent, Cap.EXEC_CGROUP_PARENT),
            (self.valid_exit_codes, Cap.EXEC_VALID_EXIT_CODE),
            (self.proxy is not None, Cap.EXEC_PROXY),
            (self.network is not Network.SANDBOX, Cap.EXEC_NETWORK),
            (self.security is not Security.SANDBOX, Cap.EXEC_SECURITY),
            (self.devices, Cap.EXEC_CDI),
            (self.meta.resources is not None, Cap.EXEC_LINUX_RESOURCES),
        )
        for used, cap in wanted:
            if used:
                yield cap

    def describe(self) -> str:
        return "run " + " ".join(self.args)


@dataclass(frozen=True, slots=True)
class Exec:
    """A command in the graph. `root` is the filesystem it ran in, as the command left it."""

    root: "State"
    op: ExecOp

    def mount(self, dest: str) -> "State":
        """Return what the command made of the bind mount at `dest`.

        A read-only mount gives the state that was mounted. Raises ValueError where there is no
        mount or where it keeps nothing (cache, tmpfs, `output=False`).
        """
        place = paths.clean(dest)
        if place == "/":
            return self.root
        for mount in self.op.filesystems:
            if isinstance(mount, BindMount) and mount.dest == place and mount.readonly:
                return mount.state
        index = self.op.output_index(place)
        mounted = next(mount for mount in self.op.filesystems if mount.dest == place)
        assert isinstance(mounted, BindMount)
        return mounted.state.with_output(Output(self.op, index))
