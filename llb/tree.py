"""A Definition as indented text, for people and for golden files.

One vertex is one line, `#1 exec "[app] make" linux/amd64`, with its details indented below. What a
vertex was built on, the root of a command or the base of file actions, follows at the same level,
so a chain reads downwards from the result to its source, or to `scratch`. Other inputs are indented
below the line that uses them. A vertex that was shown before is named by its number.

The text shows no digests: it changes only where the graph does. It is meant to be read, not parsed.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from llb.definition import DecodedOp, Definition, InvalidDefinition
from llb.masked import printable
from llb.pb import ops_pb2 as pb

_INDENT = "  "
_LONGEST_TEXT = 60


def render(definition: Definition) -> str:
    """Return the text, one line for each vertex, detail and reference; it ends with a newline.

    The empty filesystem is `scratch`. Raises InvalidDefinition if an op is missing.
    """
    if definition.is_empty:
        return "scratch\n"
    renderer = _Renderer({op.digest: op for op in definition.ops()})
    lines = renderer.render(definition.head, definition.output_index)
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class _Line:
    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class _Edge:
    """An input still to be shown. `depth` is the level of its own line."""

    depth: int
    digest: str
    index: int
    label: str = ""


class _Renderer:
    def __init__(self, ops: dict[str, DecodedOp]) -> None:
        self._ops = ops
        self._numbers: dict[str, int] = {}

    def render(self, digest: str, index: int) -> Iterator[str]:
        # A stack of ours: chains are deeper than Python's.
        stack: list[_Line | _Edge] = [_Edge(0, digest, index)]
        while stack:
            item = stack.pop()
            if isinstance(item, _Edge):
                line, below = self._vertex(item)
                stack.extend(reversed(below))
            else:
                line = item
            yield _INDENT * line.depth + printable(line.text)

    def _vertex(self, edge: _Edge) -> tuple[_Line, list[_Line | _Edge]]:
        op = self._ops.get(edge.digest)
        if op is None:
            raise InvalidDefinition(f"the definition lacks its op {edge.digest}")
        output = f" output {edge.index}" if edge.index else ""
        known = self._numbers.get(edge.digest)
        if known is not None:
            return _Line(edge.depth, f"{edge.label}#{known}{output} (above)"), []
        number = self._numbers[edge.digest] = len(self._numbers) + 1
        head = f"{edge.label}#{number} {op.kind}"
        if op.kind == "source":
            head += f" {op.message.source.identifier}"
        if op.name:
            head += f" {_quote(op.name)}"
        if op.message.HasField("platform"):
            head += f" {_platform(op.message.platform)}"
        return _Line(edge.depth, head + output), list(_details(op, edge.depth))


def _details(op: DecodedOp, depth: int) -> Iterator[_Line | _Edge]:
    message = op.message
    if op.metadata.ignore_cache:
        yield _Line(depth + 1, "ignore cache")
    for constraint in message.constraints.filter:
        yield _Line(depth + 1, f"require {constraint}")
    match op.kind:
        case "source":
            for key in sorted(message.source.attrs):
                yield _Line(depth + 1, f"{key} = {_quote(message.source.attrs[key])}")
        case "exec":
            yield from _exec(message, depth)
        case "file":
            yield from _file(message, depth)
        case "diff":
            yield from _input(message, message.diff.lower.input, depth + 1, "lower ")
            yield from _input(message, message.diff.upper.input, depth + 1, "upper ")
        case "passthrough":
            yield _Line(depth + 1, f"id = {_quote(message.passthrough.id)}")
            yield from _all_inputs(message, depth + 1, "input ")
        case "merge":
            yield from _all_inputs(message, depth + 1, "layer ")
        case _:
            yield from _all_inputs(message, depth + 1, "input ")


def _exec(message: pb.Op, depth: int) -> Iterator[_Line | _Edge]:
    run = message.exec
    meta = run.meta
    yield _Line(depth + 1, f"args {shlex.join(meta.args)}")
    for variable in meta.env:
        yield _Line(depth + 1, f"env {_quote(variable)}")
    if meta.cwd != "/":
        yield _Line(depth + 1, f"cwd {meta.cwd}")
    for label, value in (
        ("user", meta.user),
        ("hostname", meta.hostname),
        ("cgroup parent", meta.cgroupParent),
        ("network", pb.NetMode.Name(run.network).lower() if run.network else ""),
        ("security", pb.SecurityMode.Name(run.security).lower() if run.security else ""),
        ("valid exit codes", " ".join(map(str, meta.validExitCodes))),
        (
            "proxy",
            " ".join(f"{field.name}={value}" for field, value in meta.proxy_env.ListFields()),
        ),
    ):
        if value:
            yield _Line(depth + 1, f"{label} {value}")
    for host in meta.extraHosts:
        yield _Line(depth + 1, f"host {host.Host} {host.IP}")
    for limit in meta.ulimit:
        yield _Line(depth + 1, f"ulimit {limit.Name} {limit.Soft}:{limit.Hard}")
    for device in run.cdiDevices:
        yield _Line(depth + 1, f"device {device.name}" + _if(device.optional, "optional"))
    for secret in run.secretenv:
        yield _Line(
            depth + 1, f"secret env {secret.name} id={secret.ID}" + _if(secret.optional, "optional")
        )
    base: list[_Line | _Edge] = []
    for mount in run.mounts:
        yield _Line(depth + 1, _mount(mount))
        if mount.dest == "/":
            base = list(_base(message, mount.input, depth))
        else:
            yield from _input(message, mount.input, depth + 2)
    yield from base


def _mount(mount: pb.Mount) -> str:
    kind = pb.MountType.Name(mount.mountType).lower()
    text = f"mount {mount.dest}" + _if(mount.mountType != pb.MountType.BIND, kind)
    match mount.mountType:
        case pb.MountType.CACHE:
            sharing = pb.CacheSharingOpt.Name(mount.cacheOpt.sharing).lower()
            text += f" id={mount.cacheOpt.ID} {sharing}"
        case pb.MountType.TMPFS:
            text += _if(bool(mount.TmpfsOpt.size), f"size={mount.TmpfsOpt.size}")
        case pb.MountType.SECRET:
            text += _identity(mount.secretOpt) + _if(mount.secretOpt.optional, "optional")
        case pb.MountType.SSH:
            text += _identity(mount.SSHOpt) + _if(mount.SSHOpt.optional, "optional")
    text += _if(bool(mount.selector), f"from {mount.selector}")
    text += _if(mount.readonly, "read-only")
    if mount.contentCache:
        text += f" content-cache={pb.MountContentCache.Name(mount.contentCache).lower()}"
    if mount.mountType == pb.MountType.BIND:
        text += _if(mount.output >= 0, f"-> output {mount.output}")
        text += _if(mount.input < 0 and mount.dest != "/", "scratch")
    return text


def _identity(option: pb.SecretOpt | pb.SSHOpt) -> str:
    return f" id={option.ID} {option.uid}:{option.gid} {option.mode:04o}"


def _file(message: pb.Op, depth: int) -> Iterator[_Line | _Edge]:
    for number, entry in enumerate(message.file.actions):
        yield _Line(depth + 1, _action(entry))
        if entry.WhichOneof("action") == "copy":
            yield from _input(message, entry.secondaryInput, depth + 2)
            if entry.secondaryInput >= len(message.inputs):
                yield _Line(depth + 2, f"from {_where(message, entry.secondaryInput)}")
        if number and entry.input != len(message.inputs) + number - 1:
            # Only graphs of others have actions that do not follow one another.
            yield _Line(depth + 2, f"on {_where(message, entry.input)}")
            yield from _input(message, entry.input, depth + 3)
    if message.file.actions:
        yield from _base(message, message.file.actions[0].input, depth)


def _where(message: pb.Op, number: int) -> str:
    if number < 0:
        return "scratch"
    actions = number - len(message.inputs)
    return f"action {actions + 1}" if actions >= 0 else "another base"


def _action(entry: pb.FileAction) -> str:
    match entry.WhichOneof("action"):
        case "copy":
            return _copy(entry.copy) + _if(entry.secondaryInput < 0, "from scratch")
        case "mkfile":
            file = entry.mkfile
            text = f"mkfile {file.path} {file.mode:04o} {_content(file.data)}"
            return text + _owner(file) + _timestamp(file.timestamp)
        case "mkdir":
            directory = entry.mkdir
            text = f"mkdir {directory.path} {directory.mode:04o}"
            text += _if(directory.makeParents, "parents")
            return text + _owner(directory) + _timestamp(directory.timestamp)
        case "rm":
            text = f"rm {entry.rm.path}" + _if(entry.rm.allowNotFound, "allow-not-found")
            return text + _if(entry.rm.allowWildcard, "wildcard")
        case "symlink":
            link = entry.symlink
            text = f"symlink {link.newpath} -> {link.oldpath}"
            return text + _owner(link) + _timestamp(link.timestamp)
        case other:
            return str(other)


def _copy(copy: pb.FileActionCopy) -> str:
    text = f"copy {copy.src} -> {copy.dest}"
    if copy.modeStr:
        text += f" {copy.modeStr}"
    elif copy.mode != -1:
        text += f" {copy.mode:04o}"
    text += _owner(copy) + _timestamp(copy.timestamp)
    for flag, label in (
        (copy.followSymlink, "follow-symlink"),
        (copy.dirCopyContents, "contents"),
        (copy.attemptUnpackDockerCompatibility, "unpack"),
        (copy.createDestPath, "parents"),
        (copy.allowWildcard, "wildcard"),
        (copy.allowEmptyWildcard, "allow-empty"),
        (copy.alwaysReplaceExistingDestPaths, "replace"),
    ):
        text += _if(flag, label)
    for label, patterns in (
        ("include", copy.include_patterns),
        ("exclude", copy.exclude_patterns),
        ("required", copy.required_paths),
    ):
        text += _if(bool(patterns), f"{label}={','.join(patterns)}")
    return text


_Owned = pb.FileActionCopy | pb.FileActionMkFile | pb.FileActionMkDir | pb.FileActionSymlink


def _owner(action: _Owned) -> str:
    if not action.HasField("owner"):
        return ""
    return f" owner={_user(action.owner.user)}:{_user(action.owner.group)}"


def _user(user: pb.UserOpt) -> str:
    match user.WhichOneof("user"):
        case "byID":
            return str(user.byID)
        case "byName":
            return user.byName.name
        case _:
            return ""


def _timestamp(nanoseconds: int) -> str:
    if nanoseconds == -1:
        return ""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f" time={seconds}" + (f".{rest:09}" if rest else "")


def _content(data: bytes) -> str:
    """Show a short text as it is; of anything else the size and the start of its SHA-256."""
    if len(data) <= _LONGEST_TEXT:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            pass
        else:
            if all(char.isprintable() or char in "\n\t" for char in text):
                return _quote(text)
    return f"{len(data)} bytes sha256:{sha256(data).hexdigest()[:12]}"


def _input(message: pb.Op, number: int, depth: int, label: str = "") -> Iterator[_Edge]:
    if 0 <= number < len(message.inputs):
        edge = message.inputs[number]
        yield _Edge(depth, edge.digest, edge.index, label)


def _base(message: pb.Op, number: int, depth: int) -> Iterator[_Line | _Edge]:
    yield from _input(message, number, depth)
    if number < 0:
        yield _Line(depth, "scratch")


def _all_inputs(message: pb.Op, depth: int, label: str) -> Iterator[_Edge]:
    for number in range(len(message.inputs)):
        yield from _input(message, number, depth, label)


def _platform(platform: pb.Platform) -> str:
    parts = (platform.OS, platform.Architecture, platform.Variant)
    text = "/".join(part for part in parts if part)
    return text + _if(bool(platform.OSVersion), platform.OSVersion)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _if(condition: bool, text: str) -> str:
    return f" {text}" if condition else ""
