"""Vertices to wire messages: one function for each kind of op.

Three rules make the bytes, and so the digests, those of Go's client (seen in its output; the unit
tests hold them against it):

- an op's fields are written in the order of their numbers, but the one that says what it does (the
  `oneof`) comes after `platform` and `constraints`, although its number is lower. Before BuildKit
  0.17, which has another protobuf library, it came in its place: sources keep to that for such a
  daemon, because its own frontend and we ask for the same ones. An archive from the client's
  standard input is sent but once, to whoever asks first; who asks with the same bytes gets it too;
- `constraints` is always there, mostly empty; `platform` only in images and execs;
- the attributes of a source are in the order of their names, byte by byte. protobuf's C library for
  Python, asked for deterministic output, writes `ab` before `a`, so it is given one at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from llb import paths
from llb.caps import Cap, Caps
from llb.definition import varint
from llb.exec import ExecOp, Network, Security
from llb.fileop import Copy, FileAction, FileOp, Mkdir, Mkfile, Owner, Rm, Symlink
from llb.merge import DiffOp, MergeOp, PassthroughOp
from llb.mount import (
    BindMount,
    CacheMount,
    CacheSharing,
    ContentCache,
    FilesystemMount,
    SecretMount,
    SSHMount,
    TmpfsMount,
    source_of,
)
from llb.pb import ops_pb2 as pb
from llb.platform import Platform
from llb.sourceop import SourceOp
from llb.vertex import Output, Vertex

# What 0 cannot say, -1 does (solver/pb/ops.proto; solver/llbsolver/file/backend.go).
_NOTHING: Final = -1
_NANOSECONDS: Final = 1_000_000_000
# What comes before a SourceOp in an Op: its number and "bytes of this length follow".
_SOURCE: Final = bytes([pb.Op.SOURCE_FIELD_NUMBER << 3 | 2])

NETWORKS: Final = {
    Network.SANDBOX: pb.NetMode.UNSET,
    Network.HOST: pb.NetMode.HOST,
    Network.NONE: pb.NetMode.NONE,
}
_SECURITY: Final = {
    Security.SANDBOX: pb.SecurityMode.SANDBOX,
    Security.INSECURE: pb.SecurityMode.INSECURE,
}
_SHARING: Final = {
    CacheSharing.SHARED: pb.CacheSharingOpt.SHARED,
    CacheSharing.PRIVATE: pb.CacheSharingOpt.PRIVATE,
    CacheSharing.LOCKED: pb.CacheSharingOpt.LOCKED,
}
_CONTENT: Final = {
    ContentCache.DEFAULT: pb.MountContentCache.DEFAULT,
    ContentCache.ON: pb.MountContentCache.ON,
    ContentCache.OFF: pb.MountContentCache.OFF,
}
# util/system/path.go; only for daemons older than the capability exec.meta.setsdefaultpath.
_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Scope:
    """What an op's bytes depend on besides the op: digests of its inputs, platform, daemon."""

    digests: dict[Vertex, str]
    platform: Platform
    caps: Caps | None


@dataclass(slots=True)
class _Inputs:
    """The inputs of an op, each edge once; an edge is known by its digest, not by its vertex."""

    scope: Scope
    _index: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, edge: Output | None) -> int:
        """Return the number of the input for `edge`, a new one if need be; -1 for no edge."""
        if edge is None:
            return _NOTHING
        key = (self.scope.digests[edge.vertex], edge.index)
        return self._index.setdefault(key, len(self._index))

    def messages(self) -> list[pb.Input]:
        return [pb.Input(digest=digest, index=index) for digest, index in self._index]


def encode(vertex: Vertex, scope: Scope) -> bytes:
    """Serialise a vertex whose inputs have their digests in `scope`."""
    return _ENCODERS[type(vertex)](vertex, scope)


def terminal(digest: str, index: int) -> bytes:
    """Serialise the last op of a definition, which points at what it is about."""
    return pb.Op(inputs=[pb.Input(digest=digest, index=index)]).SerializeToString()


def _source(op: SourceOp, scope: Scope) -> bytes:
    parts = [pb.SourceOp(identifier=op.identifier)]
    parts += [pb.SourceOp(attrs={key: value}) for key, value in op.attrs]
    message = b"".join(part.SerializeToString() for part in parts)
    platform = (op.platform or scope.platform) if op.platform_specific else None
    around = _surroundings(platform, op.meta.require)
    deed = _SOURCE + varint(len(message)) + message
    if scope.caps is not None and Cap.EXEC_VALID_EXIT_CODE not in scope.caps:  # new with 0.17
        return deed + around
    return around + deed


def _exec(op: ExecOp, scope: Scope) -> bytes:
    meta = pb.Meta(
        args=op.args,
        env=[f"{name}={value}" for name, value in _environment(op, scope)],
        cwd=op.cwd,
        user=op.user,
        hostname=op.hostname,
        cgroupParent=op.cgroup_parent,
        removeMountStubsRecursive=True,
    )
    if op.valid_exit_codes:
        meta.validExitCodes.extend(op.valid_exit_codes)
    if op.hosts:
        meta.extraHosts.extend(pb.HostIP(Host=host, IP=ip) for host, ip in op.hosts)
    if op.ulimits:
        meta.ulimit.extend(pb.Ulimit(Name=u.name, Soft=u.soft, Hard=u.hard) for u in op.ulimits)
    if (proxy := op.proxy) is not None:
        meta.proxy_env.CopyFrom(
            pb.ProxyEnv(
                http_proxy=proxy.http,
                https_proxy=proxy.https,
                ftp_proxy=proxy.ftp,
                no_proxy=proxy.no,
                all_proxy=proxy.all,
            )
        )
    inputs = _Inputs(scope)
    mounts = []
    outputs = 0
    for filesystem in op.filesystems:
        keeps = isinstance(filesystem, BindMount) and filesystem.keep
        mounts.append(_mount(filesystem, inputs, outputs if keeps else _NOTHING))
        outputs += keeps
    mounts += [mount_message(secret) for secret in op.secrets]
    mounts += [mount_message(socket) for socket in op.sockets]
    message = pb.ExecOp(
        meta=meta,
        mounts=mounts,
        network=NETWORKS[op.network],
        security=_SECURITY[op.security],
    )
    if op.secret_env:
        message.secretenv.extend(
            pb.SecretEnv(ID=s.id, name=s.name, optional=s.optional) for s in op.secret_env
        )
    if op.devices:
        message.cdiDevices.extend(
            pb.CDIDevice(name=device.name, optional=device.optional) for device in op.devices
        )
    return _assemble(op, inputs.messages(), op.platform or scope.platform, pb.Op(exec=message))


def _environment(op: ExecOp, scope: Scope) -> tuple[tuple[str, str], ...]:
    env = op.env
    names = {name for name, _ in env}
    if op.sockets and "SSH_AUTH_SOCK" not in names:
        env += (("SSH_AUTH_SOCK", op.sockets[0].dest),)
    lacks_path = scope.caps is not None and Cap.EXEC_SETS_DEFAULT_PATH not in scope.caps
    if lacks_path and "PATH" not in names and scope.platform.os != "windows":
        env += (("PATH", _DEFAULT_PATH),)
    return env


def _mount(mount: FilesystemMount, inputs: _Inputs, output: int) -> pb.Mount:
    message = mount_message(mount)
    message.input = inputs.add(source_of(mount))
    message.output = output
    return message


def mount_message(mount: FilesystemMount | SecretMount | SSHMount) -> pb.Mount:
    """A mount by itself: what shows where, without an input and without an output."""
    match mount:
        case BindMount():
            return pb.Mount(
                input=_NOTHING,
                selector=mount.selector,
                dest=mount.dest,
                readonly=mount.readonly,
                contentCache=_CONTENT[mount.content_cache],
            )
        case CacheMount():
            return pb.Mount(
                input=_NOTHING,
                selector=mount.selector,
                dest=mount.dest,
                readonly=mount.readonly,
                mountType=pb.MountType.CACHE,
                cacheOpt=pb.CacheOpt(ID=mount.id, sharing=_SHARING[mount.sharing]),
            )
        case TmpfsMount():
            return pb.Mount(
                input=_NOTHING,
                dest=mount.dest,
                mountType=pb.MountType.TMPFS,
                TmpfsOpt=pb.TmpfsOpt(size=mount.size),
            )
        case SecretMount():
            secret = pb.SecretOpt(
                ID=mount.id,
                uid=mount.uid,
                gid=mount.gid,
                mode=mount.mode,
                optional=mount.optional,
            )
            return pb.Mount(
                input=_NOTHING, dest=mount.dest, mountType=pb.MountType.SECRET, secretOpt=secret
            )
        case SSHMount():
            agent = pb.SSHOpt(
                ID=mount.id,
                uid=mount.uid,
                gid=mount.gid,
                mode=mount.mode,
                optional=mount.optional,
            )
            return pb.Mount(
                input=_NOTHING, dest=mount.dest, mountType=pb.MountType.SSH, SSHOpt=agent
            )


def _file(op: FileOp, scope: Scope) -> bytes:
    inputs = _Inputs(scope)
    base = inputs.add(op.base)
    sources = [
        inputs.add(action.source.output) if isinstance(action, Copy) else _NOTHING
        for action in op.actions
    ]
    messages = inputs.messages()
    last = len(op.actions) - 1
    actions = []
    for number, action in enumerate(op.actions):
        entry = _action(action, op.cwd, base)
        # The result of action n is known as "number of inputs + n".
        entry.input = base if number == 0 else len(messages) + number - 1
        entry.secondaryInput = sources[number]
        entry.output = 0 if number == last else _NOTHING
        actions.append(entry)
    return _assemble(op, messages, None, pb.Op(file=pb.FileOp(actions=actions)))


def _action(action: FileAction, cwd: str, base: int) -> pb.FileAction:
    match action:
        case Copy():
            return pb.FileAction(copy=_copy(action, cwd, base))
        case Mkfile():
            return pb.FileAction(
                mkfile=pb.FileActionMkFile(
                    path=paths.resolve(cwd, action.path),
                    mode=action.mode,
                    data=action.data,
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )
        case Mkdir():
            return pb.FileAction(
                mkdir=pb.FileActionMkDir(
                    path=paths.resolve(cwd, action.path),
                    mode=action.mode,
                    makeParents=action.parents,
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )
        case Rm():
            return pb.FileAction(
                rm=pb.FileActionRm(
                    path=paths.resolve(cwd, action.path),
                    allowNotFound=action.allow_not_found,
                    allowWildcard=action.wildcard,
                )
            )
        case Symlink():
            return pb.FileAction(
                symlink=pb.FileActionSymlink(
                    oldpath=action.target,
                    newpath=paths.resolve(cwd, action.path),
                    owner=_owner(action.owner, base),
                    timestamp=_timestamp(action.timestamp),
                )
            )


def _copy(action: Copy, cwd: str, base: int) -> pb.FileActionCopy:
    message = pb.FileActionCopy(
        src=action.src,
        dest=paths.resolve(cwd, action.dst, keep_slash=True),
        owner=_owner(action.owner, base),
        followSymlink=action.follow_symlink,
        dirCopyContents=action.contents_only,
        attemptUnpackDockerCompatibility=action.unpack,
        createDestPath=action.create_dest_path,
        allowWildcard=action.wildcard,
        allowEmptyWildcard=action.allow_empty_wildcard,
        timestamp=_timestamp(action.timestamp),
        include_patterns=action.include,
        exclude_patterns=action.exclude,
        alwaysReplaceExistingDestPaths=action.always_replace,
        required_paths=action.required,
    )
    if isinstance(action.mode, str):
        message.modeStr = action.mode
    else:
        message.mode = _NOTHING if action.mode is None else action.mode
    return message


def _owner(owner: Owner | None, base: int) -> pb.ChownOpt | None:
    if owner is None:
        return None
    return pb.ChownOpt(user=_user(owner.user, base), group=_user(owner.group, base))


def _user(user: int | str | None, base: int) -> pb.UserOpt | None:
    if user is None:
        return None
    if isinstance(user, int):
        return pb.UserOpt(byID=user)
    return pb.UserOpt(byName=pb.NamedUserOpt(name=user, input=base))


def _timestamp(seconds: int | None) -> int:
    return _NOTHING if seconds is None else seconds * _NANOSECONDS


def _merge(op: MergeOp, scope: Scope) -> bytes:
    # Unlike the other ops, merge and diff list an input as often as it is used.
    inputs = [_input(edge, scope) for edge in op.layers]
    layers = [pb.MergeInput(input=number) for number in range(len(inputs))]
    return _assemble(op, inputs, None, pb.Op(merge=pb.MergeOp(inputs=layers)))


def _diff(op: DiffOp, scope: Scope) -> bytes:
    inputs = [_input(edge, scope) for edge in op.inputs]
    lower = _NOTHING if op.lower is None else 0
    upper = _NOTHING if op.upper is None else lower + 1
    message = pb.DiffOp(lower=pb.LowerDiffInput(input=lower), upper=pb.UpperDiffInput(input=upper))
    return _assemble(op, inputs, None, pb.Op(diff=message))


def _passthrough(op: PassthroughOp, scope: Scope) -> bytes:
    inputs = [_input(edge, scope) for edge in op.inputs]
    message = pb.PassthroughOp(id=op.id, outputs=[0])
    return _assemble(op, inputs, None, pb.Op(passthrough=message))


def _input(edge: Output, scope: Scope) -> pb.Input:
    return pb.Input(digest=scope.digests[edge.vertex], index=edge.index)


def _assemble(op: Vertex, inputs: list[pb.Input], platform: Platform | None, deed: pb.Op) -> bytes:
    head = pb.Op(inputs=inputs).SerializeToString() if inputs else b""
    return head + _surroundings(platform, op.meta.require) + deed.SerializeToString()


@cache
def _surroundings(platform: Platform | None, require: tuple[str, ...]) -> bytes:
    op = pb.Op(constraints=pb.WorkerConstraints(filter=require))
    if platform is not None:
        op.platform.CopyFrom(platform_message(platform))
    return op.SerializeToString()


def platform_message(platform: Platform) -> pb.Platform:
    """A platform in the wire's form."""
    return pb.Platform(
        Architecture=platform.architecture,
        OS=platform.os,
        Variant=platform.variant,
        OSVersion=platform.os_version,
        OSFeatures=platform.os_features,
    )


_Encoder = Callable[..., bytes]
_ENCODERS: Final[dict[type[Vertex], _Encoder]] = {
    SourceOp: _source,
    ExecOp: _exec,
    FileOp: _file,
    MergeOp: _merge,
    DiffOp: _diff,
    PassthroughOp: _passthrough,
}
