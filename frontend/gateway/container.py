"""Containers that a frontend runs while it builds: to look into a result, or to ask it something.

A step of the graph is cached, and its result goes on into others; what runs here is neither.
BuildKit has them since 0.8 (Docker 20.10):

    with client.container([RefMount("/", ref)]) as container:
        done = container.run(["/bin/busybox", "uname", "-r"])
        assert done.status == 0, done.stderr

Source: buildkit-gateway.md 2.2 and 2.5 (frontend/gateway/gateway.go, ExecProcess).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from frontend.gateway import capabilities
from frontend.gateway.errors import UNAVAILABLE, GatewayError, NotAFile
from frontend.gateway.files import FileStat, RemoteFile
from llb.encode import NETWORKS, mount_message, platform_message
from llb.mount import CacheMount, SecretEnv, SecretMount, SSHMount, TmpfsMount
from llb.pb import gateway_pb2 as gw
from llb.pb import ops_pb2, status_pb2

if TYPE_CHECKING:
    from frontend.gateway.channel import Conversation
    from frontend.gateway.client import Client, Ref
    from llb import Network, Platform

_UNKNOWN_STATUS = 255
"""What the daemon says for a process that ended without an exit status."""

Output = Literal[1, 2]
"""A descriptor that a process writes to: stdout or stderr."""

STDIN = 0
STDOUT: Output = 1
STDERR: Output = 2


@dataclass(frozen=True, slots=True)
class RefMount:
    """A result at `dest`, or its directory or file `source`; without a ref an empty directory.

    What processes write there is theirs alone: the ref does not change, and the container's end
    is the end of it.
    """

    dest: str
    ref: Ref | None = None
    source: str = ""
    readonly: bool = False


ContainerMount = RefMount | CacheMount | TmpfsMount | SecretMount | SSHMount


@dataclass(frozen=True, slots=True)
class Completed:
    """How a process ended: its exit status, and all that it wrote."""

    status: int
    stdout: bytes
    stderr: bytes


class Process:
    """A process in a container, started. Read `output` to its end, then `status` is known."""

    def __init__(self, container: Container, call: Conversation, id: str) -> None:
        self._container = container
        self._call = call
        self._id = id
        self.status: int | None = None
        """The exit status once the process has ended. A process that a signal ended has 128 and
        the signal's number; 255 stands for one that ended in another way."""

    def output(self) -> Iterator[tuple[Output, bytes]]:
        """What it writes, as it comes: the descriptor (1 or 2) and the bytes, until it has ended.

        Raises `GatewayError` if the daemon could not run it.
        """
        while True:
            message = self._call.receive(gw.ExecMessage)
            if message is None:
                raise _gone()
            match message.WhichOneof("Input"):
                case "File" if message.File.Data:
                    yield (STDERR if message.File.Fd == STDERR else STDOUT), message.File.Data
                case "Exit":
                    self.status = message.Exit.Code
                    self._container.failed |= self.status != 0
                    if self.status == _UNKNOWN_STATUS and message.Exit.Error.message:
                        self._call.close()
                        raise GatewayError(message.Exit.Error)
                case "Done":
                    self._call.close()
                    return

    def wait(self) -> Completed:
        """Read all that it writes, until it has ended. Raises as `output` does."""
        written: dict[Output, bytearray] = {STDOUT: bytearray(), STDERR: bytearray()}
        for descriptor, data in self.output():
            written[descriptor] += data
        assert self.status is not None
        return Completed(self.status, bytes(written[STDOUT]), bytes(written[STDERR]))

    def write(self, data: bytes) -> None:
        """Write to its stdin, which must have been asked for."""
        self._send(File=gw.FdMessage(Fd=STDIN, Data=data))

    def close_stdin(self) -> None:
        """End its stdin."""
        self._send(File=gw.FdMessage(Fd=STDIN, EOF=True))

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of its terminal."""
        self._send(Resize=gw.ResizeMessage(Rows=rows, Cols=columns))

    def signal(self, name: str) -> None:
        """Send it a signal, by a name such as `TERM` (BuildKit 0.10)."""
        self._container.client.require(capabilities.EXEC_SIGNALS)
        self._send(Signal=gw.SignalMessage(Name=name.removeprefix("SIG")))

    def kill(self) -> None:
        """End it at once, and forget it."""
        self._container.failed = True
        self._call.close()

    def _send(
        self,
        File: gw.FdMessage | None = None,
        Resize: gw.ResizeMessage | None = None,
        Signal: gw.SignalMessage | None = None,
    ) -> None:
        message = gw.ExecMessage(ProcessID=self._id, File=File, Resize=Resize, Signal=Signal)
        self._call.send(message)


class Container:
    """A container of the daemon's, to run processes in. Made by `Client.container`."""

    def __init__(self, client: Client, id: str) -> None:
        self.client = client
        self.id = id
        self.failed = False
        """Whether a process has ended otherwise than well."""

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def start(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        secret_env: Iterable[SecretEnv] = (),
        cwd: str = "/",
        user: str = "",
        stdin: bool = False,
        tty: bool = False,
        insecure: bool = False,
    ) -> Process:
        """Start a process. The first of a container is its init: with it the others end.

        `stdin` says that it will be written to; with `tty` it has a terminal, and all that it
        writes comes as descriptor 1. Raises `GatewayError` if it cannot be started.
        """
        secret_env = tuple(secret_env)
        if secret_env:
            self.client.require(capabilities.EXEC_SECRET_ENV)
        process_id = f"{self.id}:{_new_id()}"
        init = gw.InitMessage(
            ContainerID=self.id,
            Meta=ops_pb2.Meta(
                args=args,
                env=[f"{name}={value}" for name, value in (env or {}).items()],
                cwd=cwd,
                user=user,
                removeMountStubsRecursive=True,
            ),
            Fds=[*((STDIN,) if stdin else ()), STDOUT, *(() if tty else (STDERR,))],
            Tty=tty,
            Security=ops_pb2.SecurityMode.INSECURE if insecure else ops_pb2.SecurityMode.SANDBOX,
            secretenv=[
                ops_pb2.SecretEnv(ID=s.id, name=s.name, optional=s.optional) for s in secret_env
            ],
        )
        call = self.client.converse("ExecProcess")
        try:
            call.send(gw.ExecMessage(ProcessID=process_id, Init=init))
            answer = call.receive(gw.ExecMessage)
            if answer is None or answer.WhichOneof("Input") != "Started":
                raise _gone()
        except BaseException:
            self.failed = True
            call.close()
            raise
        return Process(self, call, process_id)

    def run(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        user: str = "",
        stdin: bytes | None = None,
    ) -> Completed:
        """Run a process to its end. Raises `GatewayError` if it cannot be run."""
        process = self.start(args, env=env, cwd=cwd, user=user, stdin=stdin is not None)
        if stdin is not None:
            process.write(stdin)
            process.close_stdin()
        return process.wait()

    # --- reading what processes see, BuildKit 0.27; `mount` is the number of one of the mounts ---

    def read_file(
        self, path: str, *, mount: int = 0, offset: int = 0, length: int | None = None
    ) -> bytes:
        """The bytes of a regular file of a mount, or `length` bytes of it from `offset`.

        Raises as `Client.open_file` does.
        """
        found = self.stat_file(path, mount=mount)
        if found.kind:
            raise NotAFile(path, found.kind)

        def part(start: int, size: int) -> bytes:
            request = gw.ReadFileRequest(
                Ref=self.id,
                FilePath=path,
                Range=gw.FileRange(Offset=start, Length=size),
                MountIndex=mount,
            )
            return self.client.call("ReadFileContainer", request, gw.ReadFileResponse).Data

        return RemoteFile(found.size, part).read(offset, length)

    def read_dir(self, path: str, *, mount: int = 0, include: str = "") -> tuple[FileStat, ...]:
        """The entries of a directory of a mount, one level."""
        self.client.require(capabilities.EXEC_FILESYSTEM)
        request = gw.ReadDirRequest(
            Ref=self.id, DirPath=path, IncludePattern=include, MountIndex=mount
        )
        answer = self.client.call("ReadDirContainer", request, gw.ReadDirResponse)
        return tuple(map(FileStat.from_pb, answer.entries))

    def stat_file(self, path: str, *, mount: int = 0) -> FileStat:
        """One file's facts, in a mount."""
        self.client.require(capabilities.EXEC_FILESYSTEM)
        request = gw.StatFileRequest(Ref=self.id, Path=path, MountIndex=mount)
        answer = self.client.call("StatFileContainer", request, gw.StatFileResponse)
        return FileStat.from_pb(answer.stat)

    def release(self) -> None:
        """End the container and every process in it."""
        request = gw.ReleaseContainerRequest(ContainerID=self.id)
        try:
            self.client.call("ReleaseContainer", request, gw.ReleaseContainerResponse)
        except GatewayError:
            # The daemon says once more what a process ended with (container.go, Release).
            if not self.failed:
                raise


def create(
    client: Client,
    mounts: Iterable[ContainerMount],
    *,
    network: Network,
    platform: Platform | None,
    hosts: Iterable[tuple[str, str]],
    hostname: str,
) -> Container:
    """See `Client.container`."""
    client.require(capabilities.EXEC)
    hosts = tuple(hosts)
    if hosts:
        client.require(capabilities.EXEC_EXTRA_HOSTS)
    if hostname:
        client.require(capabilities.EXEC_SECRET_ENV)  # both came together
    container = Container(client, _new_id())
    request = gw.NewContainerRequest(
        ContainerID=container.id,
        Mounts=[_message(mount) for mount in mounts],
        Network=NETWORKS[network],
        platform=platform_message(platform) if platform is not None else None,
        extraHosts=[ops_pb2.HostIP(Host=name, IP=address) for name, address in hosts],
        hostname=hostname,
    )
    client.call("NewContainer", request, gw.NewContainerResponse)
    return container


def _message(mount: ContainerMount) -> ops_pb2.Mount:
    if isinstance(mount, RefMount):
        return ops_pb2.Mount(
            dest=mount.dest,
            resultID=mount.ref.id if mount.ref is not None else "",
            selector=mount.source,
            readonly=mount.readonly,
        )
    if isinstance(mount, CacheMount) and mount.state is not None:
        raise ValueError(f"the cache at {mount.dest} of a container cannot start with a state")
    return mount_message(mount)


def _new_id() -> str:
    """A name that no other container has; daemons take letters and digits only."""
    return secrets.token_hex(16)


def _gone() -> GatewayError:
    text = "the daemon ended the process without saying how"
    return GatewayError(status_pb2.Status(code=UNAVAILABLE, message=text))
