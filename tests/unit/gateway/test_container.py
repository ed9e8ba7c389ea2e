"""Containers of the frontend: the conversation about a process, with a real gRPC server."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import Message

from frontend.gateway.client import Client, Ref
from frontend.gateway.container import RefMount
from frontend.gateway.errors import GatewayError
from llb import Caps, Mount, Network, Platform, scratch
from llb.pb import gateway_pb2 as gw
from llb.pb import ops_pb2, stat_pb2, status_pb2
from tests.unit.gateway.test_client import client
from tests.unit.gateway.test_stdio import OK, frontend
from tests.wire.daemon import GATEWAY_CAPS, Daemon, Handler, Outcome, Refusal, Talker, fail, pong

Messages = Iterator[gw.ExecMessage]

ALL_CAPS = (
    *GATEWAY_CAPS,
    *("gateway.exec.extrahosts", "gateway.exec.secretenv", "gateway.exec.signals"),
    "gateway.exec.filesystem",
)
MADE: dict[str, Handler] = {
    "NewContainer": lambda request, context: gw.NewContainerResponse(),
    "ReleaseContainer": lambda request, context: gw.ReleaseContainerResponse(),
}
START = """
from frontend.gateway.client import Ref
from frontend.gateway.container import RefMount
container = client.container([RefMount("/", Ref("r"))])
"""


def talk(process: Talker, body: str) -> Outcome:
    """Run a frontend whose handler has a `container`, against a daemon with that process."""
    daemon = Daemon(
        {**MADE, "Ping": lambda *_: pong(ALL_CAPS, Caps.of_buildkit(0, 27))}, process=process
    )
    return daemon.run(frontend(START + body))


def said(pid: str, descriptor: int, data: bytes) -> gw.ExecMessage:
    return gw.ExecMessage(ProcessID=pid, File=gw.FdMessage(Fd=descriptor, Data=data))


def ended(pid: str, code: int = 0) -> Messages:
    error = status_pb2.Status(code=2, message=f"exit code: {code}") if code else None
    yield gw.ExecMessage(ProcessID=pid, Exit=gw.ExitMessage(Code=code, Error=error))
    yield gw.ExecMessage(ProcessID=pid, File=gw.FdMessage(Fd=1, EOF=True))
    yield gw.ExecMessage(ProcessID=pid, Done=gw.DoneMessage())


def started(messages: Messages) -> tuple[gw.ExecMessage, gw.ExecMessage]:
    """The first message, and the daemon's answer to it."""
    init = next(messages)
    return init, gw.ExecMessage(ProcessID=init.ProcessID, Started=gw.StartedMessage())


def test_a_process_and_all_that_is_said_about_it() -> None:
    def process(messages: Messages) -> Messages:
        init, answer = started(messages)
        yield answer
        yield said(init.ProcessID, 1, b"out ")
        yield said(init.ProcessID, 2, b"bad")
        yield said(init.ProcessID, 1, b"put")
        yield from ended(init.ProcessID, 3)

    outcome = talk(
        process,
        "done = container.run(['/bin/a', 'b c'], env={'X': 'y z'}, cwd='/srv', user='7:8')\n"
        "assert (done.status, done.stdout, done.stderr) == (3, b'out put', b'bad'), done\n"
        "container.release()\n" + OK,
    )
    assert outcome.status == 0, outcome.returns
    (init,) = [m.Init for name, m in outcome.calls if isinstance(m, gw.ExecMessage)]
    assert list(init.Meta.args) == ["/bin/a", "b c"]
    assert list(init.Meta.env) == ["X=y z"]
    assert (init.Meta.cwd, init.Meta.user, list(init.Fds)) == ("/srv", "7:8", [1, 2])
    assert [name for name, _ in outcome.calls][-2:] == ["ReleaseContainer", "Return"]


def test_stdin_arrives_whole_while_output_comes() -> None:
    """64 MiB there and back: more than any window of the connection."""

    def process(messages: Messages) -> Messages:
        init, answer = started(messages)
        yield answer
        for message in messages:
            if message.File.EOF:
                break
            yield said(init.ProcessID, 1, message.File.Data)
        yield from ended(init.ProcessID)

    outcome = talk(
        process,
        "import threading\n"
        "process = container.start(['cat'], stdin=True)\n"
        "part = bytes(range(256)) * 4096\n"
        "def feed():\n"
        "    for _ in range(64):\n"
        "        process.write(part)\n"
        "    process.close_stdin()\n"
        "threading.Thread(target=feed, daemon=True).start()\n"
        "done = process.wait()\n"
        "assert done.status == 0 and done.stdout == part * 64, len(done.stdout)\n" + OK,
    )
    assert outcome.status == 0, outcome.returns


def test_signals_and_sizes() -> None:
    def process(messages: Messages) -> Messages:
        init, answer = started(messages)
        yield answer
        size, signal = next(messages), next(messages)
        assert (size.Resize.Rows, size.Resize.Cols) == (24, 80)
        yield said(init.ProcessID, 1, signal.Signal.Name.encode())
        yield from ended(init.ProcessID, 143)

    outcome = talk(
        process,
        "process = container.start(['sh'], tty=True)\n"
        "process.resize(24, 80)\n"
        "process.signal('SIGTERM')\n"
        "assert process.wait().stdout == b'TERM'\n"
        "assert process.status == 143\n" + OK,
    )
    assert outcome.status == 0, outcome.returns
    init = next(m.Init for _, m in outcome.calls if isinstance(m, gw.ExecMessage))
    assert init.Tty
    assert list(init.Fds) == [1]


def test_a_process_that_cannot_be_started() -> None:
    refusal = status_pb2.Status(code=2, message="exec: nope: not found")
    refusal.details.add(type_url="github.com/moby/buildkit/errdefs.Vertex+json", value=b"{}")

    def process(messages: Messages) -> Messages:
        next(messages)
        raise Refusal(refusal)
        yield  # a generator, like the others

    outcome = talk(process, "container.run(['nope'])")
    assert outcome.status == 1
    assert outcome.returns[0].error == refusal


def test_a_process_that_ends_without_a_status() -> None:
    def process(messages: Messages) -> Messages:
        init, answer = started(messages)
        yield answer
        error = status_pb2.Status(code=2, message="the machine is on fire")
        exit = gw.ExitMessage(Code=255, Error=error)
        yield gw.ExecMessage(ProcessID=init.ProcessID, Exit=exit)

    outcome = talk(process, "container.run(['sh'])")
    assert outcome.returns[0].error.message == "the machine is on fire"


def test_a_call_that_the_daemon_ends_early() -> None:
    def process(messages: Messages) -> Messages:
        _, answer = started(messages)
        yield answer

    outcome = talk(process, "container.run(['sh'])")
    assert outcome.returns[0].error.message == "the daemon ended the process without saying how"


def test_killing_cancels_the_call() -> None:
    over = threading.Event()

    def process(messages: Messages) -> Messages:
        _, answer = started(messages)
        try:
            yield answer
            next(messages, None)
        finally:  # the server ends one or the other when the stream is reset
            over.set()

    outcome = talk(process, "process = container.start(['sleep'])\nprocess.kill()\n" + OK)
    assert outcome.status == 0, outcome.returns
    assert over.wait(10)


def test_the_container_as_it_is_asked_for() -> None:
    made, channel = client(ALL_CAPS, NewContainer=gw.NewContainerResponse())
    made.container(
        [
            RefMount("/", Ref("root"), readonly=True),
            RefMount("/in", Ref("other"), "sub/dir"),
            RefMount("/empty"),
            Mount.cache("/cache", "objects"),
            Mount.tmpfs("/tmp"),
            Mount.secret("token"),
            Mount.ssh(dest="/agent"),
        ],
        network=Network.NONE,
        platform=Platform("linux", "arm64"),
        hosts=[("box", "10.0.0.1")],
        hostname="guest",
    )
    (request,) = channel.called("NewContainer")
    assert isinstance(request, gw.NewContainerRequest)
    assert request.ContainerID.isalnum()
    assert [(m.dest, m.resultID, m.selector, m.readonly) for m in request.Mounts[:3]] == [
        ("/", "root", "", True),
        ("/in", "other", "sub/dir", False),
        ("/empty", "", "", False),
    ]
    kinds = ops_pb2.MountType
    assert [m.mountType for m in request.Mounts[3:]] == [
        *(kinds.CACHE, kinds.TMPFS, kinds.SECRET, kinds.SSH)
    ]
    assert request.Network == ops_pb2.NetMode.NONE
    assert request.platform.Architecture == "arm64"
    assert [(h.Host, h.IP) for h in request.extraHosts] == [("box", "10.0.0.1")]
    assert request.hostname == "guest"


@pytest.mark.parametrize("status", [0, 3])
def test_a_release_does_not_say_again_how_a_process_ended(status: int) -> None:
    def process(messages: Messages) -> Messages:
        init, answer = started(messages)
        yield answer
        yield from ended(init.ProcessID, status)

    def release(request: Message, context: grpc.ServicerContext) -> Message:
        fail(context, status_pb2.Status(code=2, message="exit code: 3"))
        raise AssertionError

    caps = pong(ALL_CAPS, Caps.of_buildkit(0, 27))
    handlers: dict[str, Handler] = {
        **MADE,
        "Ping": lambda *_: caps,
        "ReleaseContainer": release,
    }
    body = "container.run(['sh'])\ncontainer.release()\n" + OK
    outcome = Daemon(handlers, process=process).run(frontend(START + body))
    # Where every process ended well, an error is the release's own.
    assert outcome.status == (0 if status else 1), outcome.returns


def test_every_container_has_a_name_of_its_own() -> None:
    made, _ = client(ALL_CAPS, NewContainer=gw.NewContainerResponse())
    assert len({made.container([RefMount("/", Ref("r"))]).id for _ in range(3)}) == 3


def test_files_of_a_container() -> None:
    data = bytes(range(256)) * 12_000

    def read(request: Message) -> Message:
        assert isinstance(request, gw.ReadFileRequest)
        assert request.MountIndex == 1
        start = request.Range.Offset
        return gw.ReadFileResponse(Data=data[start : start + request.Range.Length])

    made, channel = client(
        ALL_CAPS,
        NewContainer=gw.NewContainerResponse(),
        ReadFileContainer=read,  # type: ignore[arg-type]
        ReadDirContainer=gw.ReadDirResponse(),
        StatFileContainer=gw.StatFileResponse(stat=stat_pb2.Stat(size=len(data))),
        ReleaseContainer=gw.ReleaseContainerResponse(),
    )
    with made.container([RefMount("/", Ref("r")), RefMount("/out")]) as container:
        assert container.read_file("/out/big", mount=1) == data
        assert container.read_dir("/", include="*.c") == ()
        assert container.stat_file("/x").size == len(data)
    (released,) = channel.called("ReleaseContainer")
    assert isinstance(released, gw.ReleaseContainerRequest)
    assert released.ContainerID == container.id


def containers(*caps: str) -> Client:
    made, _ = client((*GATEWAY_CAPS, *caps), NewContainer=gw.NewContainerResponse())
    return made


def test_old_daemons_are_told_from_new_ones() -> None:
    def lacks(ability: str, version: str) -> pytest.RaisesExc[GatewayError]:
        return pytest.raises(GatewayError, match=rf"'{ability}' .* came with BuildKit {version}\)")

    root = [RefMount("/", Ref("r"))]
    none, _ = client([cap for cap in GATEWAY_CAPS if cap != "gateway.exec"])
    with lacks("gateway.exec", "0.8"):
        none.container(root)
    with lacks("gateway.exec.extrahosts", "0.10"):
        containers().container(root, hosts=[("a", "10.0.0.1")])
    with lacks("gateway.exec.secretenv", "0.12"):
        containers().container(root, hostname="guest")
    container = containers().container(root)
    with lacks("gateway.exec.secretenv", "0.12"):
        container.start(["sh"], secret_env=[Mount.secret_env("token")])
    for read in (container.read_file, container.read_dir, container.stat_file):
        with lacks("gateway.exec.filesystem", "0.27"):
            read("/x")


def test_a_cache_cannot_start_with_a_state() -> None:
    """The wire has refs for a container, and no graph."""
    made = containers()
    with pytest.raises(ValueError, match="cannot start with a state"):
        made.container([RefMount("/", Ref("r")), Mount.cache("/cache", "objects", state=scratch())])
