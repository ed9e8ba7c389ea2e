"""Commands and their mounts: the ExecOp.

`State.run` makes an ExecOp and returns an Exec, which gives the filesystems the command leaves
behind: the root and each writable bind mount. Rules of the wire (solver/pb/ops.proto,
client/llb/exec.go): the mounts are sorted by destination, so `/` is first; the index of an output
is its rank among the mounts that have one; secrets and then SSH sockets follow in the order given.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from llb import paths
from llb.caps import Cap
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


class CacheSharing(StrEnum):
    """What happens when two builds use a cache mount at once.

    SHARED: both write. PRIVATE: the second gets a directory of its own. LOCKED: the second waits.
    """

    SHARED = "shared"
    PRIVATE = "private"
    LOCKED = "locked"


class ContentCache(StrEnum):
    """Whether a mount's content, rather than where it comes from, decides if the step is cached."""

    DEFAULT = "default"
    ON = "on"
    OFF = "off"


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


@dataclass(frozen=True, slots=True)
class Mount:
    """Something that a command finds at a path. Make one with the methods below."""

    @staticmethod
    def bind(
        dest: str,
        state: "State",
        source: str = "/",
        *,
        readonly: bool = False,
        output: bool = True,
        content_cache: ContentCache = ContentCache.DEFAULT,
    ) -> "BindMount":
        """Show `state`, or its directory or file `source`, at `dest`.

        A writable mount is a copy of its own: `Exec.mount(dest)` is what the command made of it.
        With `output=False` that copy is thrown away; a `readonly` mount has none. `state` may be
        `scratch()` for an empty directory to write results into.
        """
        return BindMount(
            dest=_destination(dest),
            state=state,
            selector=_selector(source),
            readonly=readonly,
            keep=output and not readonly,
            content_cache=ContentCache(content_cache),
        )

    @staticmethod
    def cache(
        dest: str,
        id: str,
        *,
        sharing: CacheSharing = CacheSharing.SHARED,
        state: "State | None" = None,
        source: str = "/",
        readonly: bool = False,
    ) -> "CacheMount":
        """Show the builder's cache directory `id` at `dest`; it outlives the build.

        A new cache starts as a copy of `state` (its directory `source`), empty without one. That
        is how a cache gets an owner or a mode: make a directory with them and pass it here.
        Raises ValueError for an empty id.
        """
        if not id:
            raise ValueError(f"the cache mount at {dest!r} needs an id")
        return CacheMount(
            dest=_destination(dest),
            id=id,
            sharing=CacheSharing(sharing),
            state=state,
            selector=_selector(source),
            readonly=readonly,
        )

    @staticmethod
    def tmpfs(dest: str, *, size: int = 0) -> "TmpfsMount":
        """Show an empty directory in memory at `dest`, of at most `size` bytes (0: no limit)."""
        if size < 0:
            raise ValueError(f"the tmpfs at {dest!r} cannot have {size} bytes")
        return TmpfsMount(dest=_destination(dest), size=size)

    @staticmethod
    def shm(size: int) -> "TmpfsMount":
        """Make `/dev/shm` hold `size` bytes (Docker's `--shm-size`)."""
        return Mount.tmpfs("/dev/shm", size=size)

    @staticmethod
    def secret(
        id: str,
        dest: str = "",
        *,
        uid: int = 0,
        gid: int = 0,
        mode: int = 0o400,
        optional: bool = False,
    ) -> "SecretMount":
        """Show the build secret `id` as a file at `dest`, by default `/run/secrets/<last part of
        id>`.

        Without the secret the build fails, unless it is `optional`.
        """
        if not id:
            raise ValueError("a secret needs an id")
        return SecretMount(
            id=id,
            dest=_destination(dest or "/run/secrets/" + id.rstrip("/").rpartition("/")[2]),
            uid=uid,
            gid=gid,
            mode=_permissions(mode),
            optional=optional,
        )

    @staticmethod
    def secret_env(id: str, name: str = "", *, optional: bool = False) -> "SecretEnv":
        """Put the build secret `id` into the environment variable `name` (default: `id`)."""
        if not id:
            raise ValueError("a secret needs an id")
        return SecretEnv(id=id, name=name or id, optional=optional)

    @staticmethod
    def ssh(
        id: str = "",
        dest: str = "",
        *,
        uid: int = 0,
        gid: int = 0,
        mode: int = 0o600,
        optional: bool = False,
    ) -> "SSHMount":
        """Show the SSH agent `id` ("" is the default one) as a socket.

        `dest` is `/run/buildkit/ssh_agent.N` unless given, N counting from 0. SSH_AUTH_SOCK is set
        to the first socket unless the command's environment has it.
        """
        return SSHMount(
            id=id,
            dest=_destination(dest) if dest else "",
            uid=uid,
            gid=gid,
            mode=_permissions(mode),
            optional=optional,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BindMount(Mount):
    """See `Mount.bind`. `keep` says that the mount is one of the op's outputs."""

    dest: str
    state: "State"
    selector: str = ""
    readonly: bool = False
    keep: bool = True
    content_cache: ContentCache = ContentCache.DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheMount(Mount):
    """See `Mount.cache`."""

    dest: str
    id: str
    sharing: CacheSharing = CacheSharing.SHARED
    state: "State | None" = None
    selector: str = ""
    readonly: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TmpfsMount(Mount):
    """See `Mount.tmpfs`."""

    dest: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMount(Mount):
    """See `Mount.secret`."""

    id: str
    dest: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o400
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretEnv(Mount):
    """See `Mount.secret_env`."""

    id: str
    name: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SSHMount(Mount):
    """See `Mount.ssh`."""

    id: str = ""
    dest: str = ""
    uid: int = 0
    gid: int = 0
    mode: int = 0o600
    optional: bool = False


FilesystemMount = BindMount | CacheMount | TmpfsMount
_M = TypeVar("_M", bound=Mount)


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
            yield from _mount_capabilities(mount)
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


def source_of(mount: FilesystemMount) -> Output | None:
    """Return the edge that a mount shows; None for an empty directory."""
    if isinstance(mount, TmpfsMount) or mount.state is None:
        return None
    return mount.state.output


def select(mounts: tuple[Mount, ...], kind: type[_M]) -> tuple[_M, ...]:
    """Return the mounts of one kind, in the order given."""
    return tuple(mount for mount in mounts if isinstance(mount, kind))


def _mount_capabilities(mount: FilesystemMount) -> Iterator[str]:
    match mount:
        case BindMount():
            if mount.state.output is not None:
                yield Cap.MOUNT_BIND
            if not mount.readonly and not mount.keep:
                yield Cap.MOUNT_BIND_NO_OUTPUT
            if mount.content_cache is not ContentCache.DEFAULT:
                yield Cap.MOUNT_CONTENT_CACHE
            if mount.selector:
                yield Cap.MOUNT_SELECTOR
        case CacheMount():
            yield Cap.MOUNT_CACHE
            yield Cap.MOUNT_CACHE_SHARING
            if mount.selector:
                yield Cap.MOUNT_SELECTOR
        case TmpfsMount():
            yield Cap.MOUNT_TMPFS
            if mount.size:
                yield Cap.MOUNT_TMPFS_SIZE


def _destination(dest: str) -> str:
    if not paths.is_absolute(dest):
        raise ValueError(f"a mount needs an absolute path, not {dest!r}")
    cleaned = paths.clean(dest)
    if cleaned == "/":
        raise ValueError(
            "the root is the state that runs the command; nothing else can be mounted there"
        )
    return cleaned


def _selector(source: str) -> str:
    cleaned = paths.resolve("/", source)
    return "" if cleaned == "/" else cleaned


def _permissions(mode: int) -> int:
    if not 0 <= mode <= 0o777:
        raise ValueError(f"{mode:#o} is not a mode between 0 and 0777")
    return mode
