"""LLB capabilities: what a BuildKit daemon understands.

A daemon lists its capabilities when it is pinged. An old daemon ignores protobuf fields that it
does not know, without a word: a copy with `include` patterns would copy everything. So each newer
field is tied to a capability, and marshalling for a daemon that lacks it fails with
MissingCapability.

The first versions come from reading solver/pb/caps.go at BuildKit's release tags; only capabilities
that the daemon registers (`Caps.Init`) are listed, for the others can never be seen.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from llb.sourcemap import Location


class Cap(StrEnum):
    """The LLB capabilities, by the ids that daemons report."""

    SOURCE_IMAGE = "source.image"
    SOURCE_IMAGE_RESOLVE_MODE = "source.image.resolvemode"
    SOURCE_IMAGE_LAYER_LIMIT = "source.image.layerlimit"
    SOURCE_IMAGE_CHECKSUM = "source.image.checksum"
    SOURCE_IMAGE_BLOB = "source.imageblob"
    SOURCE_OCI_LAYOUT = "source.ocilayout"
    SOURCE_LOCAL = "source.local"
    SOURCE_LOCAL_UNIQUE = "source.local.unique"
    SOURCE_LOCAL_SESSION = "source.local.sessionid"
    SOURCE_LOCAL_INCLUDE = "source.local.includepatterns"
    SOURCE_LOCAL_FOLLOW = "source.local.followpaths"
    SOURCE_LOCAL_EXCLUDE = "source.local.excludepatterns"
    SOURCE_LOCAL_SHARED_KEY_HINT = "source.local.sharedkeyhint"
    SOURCE_LOCAL_DIFFER = "source.local.differ"
    SOURCE_LOCAL_METADATA = "source.local.metadatatransfer"
    SOURCE_GIT = "source.git"
    SOURCE_GIT_KEEP_DIR = "source.git.keepgitdir"
    SOURCE_GIT_FULL_URL = "source.git.fullurl"
    SOURCE_GIT_HTTP_AUTH = "source.git.httpauth"
    SOURCE_GIT_KNOWN_SSH_HOSTS = "source.git.knownsshhosts"
    SOURCE_GIT_MOUNT_SSH_SOCK = "source.git.mountsshsock"
    SOURCE_GIT_SUBDIR = "source.git.subdir"
    SOURCE_GIT_CHECKSUM = "source.git.checksum"
    SOURCE_GIT_SKIP_SUBMODULES = "source.git.skipsubmodules"
    SOURCE_GIT_SIGNATURE = "source.git.signatureverify"
    SOURCE_GIT_MTIME = "source.git.mtime"
    SOURCE_GIT_FETCH_BY_COMMIT = "source.git.fetchbycommit"
    SOURCE_GIT_BUNDLE = "source.git.bundle"
    SOURCE_GIT_CHECKOUT_BUNDLE = "source.git.checkoutbundle"
    SOURCE_HTTP = "source.http"
    SOURCE_HTTP_AUTH = "source.http.auth"
    SOURCE_HTTP_CHECKSUM = "source.http.checksum"
    SOURCE_HTTP_PERM = "source.http.perm"
    SOURCE_HTTP_UID_GID = "soruce.http.uidgid"  # BuildKit's own spelling, kept for ever
    SOURCE_HTTP_HEADER = "source.http.header"
    SOURCE_HTTP_SIGNATURE = "source.http.signatureverify"
    EXEC_BASE = "exec.meta.base"
    EXEC_CGROUP_PARENT = "exec.meta.cgroup.parent"
    EXEC_NETWORK = "exec.meta.network"
    EXEC_PROXY = "exec.meta.proxyenv"
    EXEC_SECURITY = "exec.meta.security"
    EXEC_SETS_DEFAULT_PATH = "exec.meta.setsdefaultpath"
    EXEC_ULIMIT = "exec.meta.ulimit"
    EXEC_CDI = "exec.meta.cdi"
    EXEC_LINUX_RESOURCES = "exec.meta.linux.resources"
    EXEC_SECRET_ENV = "exec.secretenv"
    EXEC_VALID_EXIT_CODE = "exec.validexitcode"
    MOUNT_BIND = "exec.mount.bind"
    MOUNT_BIND_NO_OUTPUT = "exec.mount.bind.readwrite-nooutput"
    MOUNT_CACHE = "exec.mount.cache"
    MOUNT_CACHE_SHARING = "exec.mount.cache.sharing"
    MOUNT_SELECTOR = "exec.mount.selector"
    MOUNT_TMPFS = "exec.mount.tmpfs"
    MOUNT_TMPFS_SIZE = "exec.mount.tmpfs.size"
    MOUNT_SECRET = "exec.mount.secret"
    MOUNT_SSH = "exec.mount.ssh"
    MOUNT_CONTENT_CACHE = "exec.mount.cache.content"
    FILE_BASE = "file.base"
    FILE_RM_WILDCARD = "file.rm.wildcard"
    FILE_COPY_INCLUDE_EXCLUDE = "file.copy.includeexcludepatterns"
    FILE_COPY_REQUIRED_PATHS = "file.copy.requiredpaths"
    FILE_COPY_ALWAYS_REPLACE = "file.copy.alwaysreplaceexistingdestpaths"
    FILE_SYMLINK = "file.symlink.create"
    MERGE = "mergeop"
    DIFF = "diffop"
    PASSTHROUGH = "passthroughop"
    CONSTRAINTS = "constraints"
    PLATFORM = "platform"
    META_IGNORE_CACHE = "meta.ignorecache"
    META_DESCRIPTION = "meta.description"
    META_EXPORT_CACHE = "meta.exportcache"


Version = tuple[int, int]

FIRST_BUILDKIT: Final[dict[Cap, Version]] = dict.fromkeys(Cap, (0, 3)) | {
    Cap.EXEC_SECURITY: (0, 5),
    Cap.FILE_BASE: (0, 5),
    Cap.MOUNT_BIND_NO_OUTPUT: (0, 7),
    Cap.FILE_RM_WILDCARD: (0, 7),
    Cap.SOURCE_GIT_HTTP_AUTH: (0, 8),
    Cap.SOURCE_GIT_KNOWN_SSH_HOSTS: (0, 8),
    Cap.SOURCE_GIT_MOUNT_SSH_SOCK: (0, 8),
    Cap.SOURCE_LOCAL_DIFFER: (0, 9),
    Cap.SOURCE_GIT_SUBDIR: (0, 9),
    Cap.FILE_COPY_INCLUDE_EXCLUDE: (0, 9),
    Cap.EXEC_CGROUP_PARENT: (0, 10),
    Cap.EXEC_ULIMIT: (0, 10),
    Cap.EXEC_SECRET_ENV: (0, 10),
    Cap.MOUNT_TMPFS_SIZE: (0, 10),
    Cap.MERGE: (0, 10),
    Cap.DIFF: (0, 10),
    Cap.SOURCE_IMAGE_LAYER_LIMIT: (0, 11),
    Cap.SOURCE_OCI_LAYOUT: (0, 11),
    Cap.MOUNT_CONTENT_CACHE: (0, 13),
    Cap.FILE_COPY_ALWAYS_REPLACE: (0, 14),
    Cap.EXEC_VALID_EXIT_CODE: (0, 17),
    Cap.FILE_SYMLINK: (0, 19),
    Cap.EXEC_CDI: (0, 20),
    Cap.SOURCE_LOCAL_METADATA: (0, 21),
    Cap.SOURCE_HTTP_AUTH: (0, 21),
    Cap.SOURCE_HTTP_HEADER: (0, 21),
    Cap.SOURCE_GIT_CHECKSUM: (0, 22),
    Cap.SOURCE_GIT_SKIP_SUBMODULES: (0, 24),
    Cap.SOURCE_IMAGE_CHECKSUM: (0, 25),
    Cap.SOURCE_GIT_SIGNATURE: (0, 26),
    Cap.FILE_COPY_REQUIRED_PATHS: (0, 26),
    Cap.SOURCE_IMAGE_BLOB: (0, 28),
    Cap.SOURCE_HTTP_SIGNATURE: (0, 28),
    Cap.SOURCE_GIT_MTIME: (0, 29),
    Cap.SOURCE_GIT_FETCH_BY_COMMIT: (0, 30),
    Cap.SOURCE_GIT_BUNDLE: (0, 30),
    Cap.SOURCE_GIT_CHECKOUT_BUNDLE: (0, 30),
    Cap.EXEC_LINUX_RESOURCES: (0, 31),
    Cap.PASSTHROUGH: (0, 31),
}

# Docker Engine releases and the BuildKit they hold (moby's vendor.mod at each tag), oldest first.
_ENGINES: Final[tuple[tuple[Version, str], ...]] = (
    ((0, 8), "20.10"),
    ((0, 10), "23.0"),
    ((0, 11), "24.0"),
    ((0, 12), "25.0"),
    ((0, 13), "26.0"),
    ((0, 14), "27.0"),
    ((0, 15), "27.1"),
    ((0, 16), "27.3"),
    ((0, 17), "27.4"),
    ((0, 18), "27.5"),
    ((0, 20), "28.0"),
    ((0, 21), "28.1"),
    ((0, 22), "28.2"),
    ((0, 23), "28.3"),
    ((0, 25), "28.5"),
    ((0, 26), "29.1"),
    ((0, 27), "29.2"),
    ((0, 28), "29.3"),
    ((0, 29), "29.4"),
    ((0, 30), "29.5"),
    ((0, 31), "29.6"),
    ((0, 32), "29.7"),
)


def first_docker(buildkit: Version) -> str | None:
    """Return the first Docker Engine with that BuildKit or a newer one; None if unknown."""
    for version, engine in _ENGINES:
        if version >= buildkit:
            return engine
    return None


class Caps(frozenset[str]):
    """The LLB capability ids that a daemon has *and* has enabled.

    Build it from the daemon's answer to Ping, leaving out every entry that is not enabled: a Docker
    Engine without the containerd image store lists `mergeop` as disabled.
    """

    __slots__ = ()

    @classmethod
    def of_buildkit(cls, major: int, minor: int) -> "Caps":
        """Return what a stock BuildKit of that release has, as far as this library knows."""
        return cls(cap for cap, first in FIRST_BUILDKIT.items() if first <= (major, minor))

    def __repr__(self) -> str:
        return f"Caps({sorted(self)!r})"


class MissingCapability(Exception):
    """The daemon cannot do what an op asks for.

    cap: the capability's id. wanted_by: the op's name, or what it is. location: the lines that
    asked for the op, if known. buildkit, docker: the first releases that can, if known.
    """

    def __init__(self, cap: str, wanted_by: str, location: Location | None = None) -> None:
        first = FIRST_BUILDKIT[Cap(cap)] if cap in _KNOWN else None
        self.cap = str(cap)
        self.wanted_by = wanted_by
        self.location = location
        self.buildkit = f"{first[0]}.{first[1]}" if first else None
        self.docker = first_docker(first) if first else None
        super().__init__(self._message())

    def _message(self) -> str:
        message = f"the builder lacks the capability {self.cap!r}, which {self.wanted_by!r} needs"
        if self.buildkit is not None:
            message += f"; it came with BuildKit {self.buildkit}"
            if self.docker is not None:
                message += f" and Docker Engine {self.docker}"
        if self.cap in (Cap.MERGE, Cap.DIFF):
            message += " and, in Docker Engine, is on only with the containerd image store"
        return message


_KNOWN: Final = frozenset(str(cap) for cap in Cap)


def missing(caps: Caps | None, wanted: Iterable[str]) -> str | None:
    """Return the first of `wanted` that is not in `caps`; None if nothing lacks or caps is None."""
    if caps is None:
        return None
    return next((cap for cap in wanted if cap not in caps), None)
