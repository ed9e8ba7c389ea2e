"""Mounts: what a command finds at a path beside its root filesystem.

The methods of `Mount` make them; each kind is a frozen value of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from llb import paths
from llb.caps import Cap
from llb.vertex import Output

if TYPE_CHECKING:
    from llb.state import State


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


def source_of(mount: FilesystemMount) -> Output | None:
    """Return the edge that a mount shows; None for an empty directory."""
    if isinstance(mount, TmpfsMount) or mount.state is None:
        return None
    return mount.state.output


def select(mounts: tuple[Mount, ...], kind: type[_M]) -> tuple[_M, ...]:
    """Return the mounts of one kind, in the order given."""
    return tuple(mount for mount in mounts if isinstance(mount, kind))


def capabilities_of(mount: FilesystemMount) -> Iterator[str]:
    """Yield the ids of the LLB capabilities that a mount needs."""
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
