"""The process contract, with a real gRPC server at the other end of real pipes."""

from __future__ import annotations

import time

import grpc
import pytest
from google.protobuf.message import Message

from frontend.gateway import greeting
from llb.pb import gateway_pb2, stat_pb2, status_pb2
from tests.wire.daemon import Daemon, fail

HEADER = "from frontend.gateway.stdio import serve\n"


def frontend(body: str) -> str:
    """A program that serves a handler with this body."""
    lines = "\n".join("    " + line for line in body.strip().splitlines())
    return f"{HEADER}def handler(client):\n{lines}\nserve(handler)\n"


OK = "from frontend.gateway.result import answer\nreturn answer({'k': 'v'})"


def test_returns_a_result_and_leaves_with_zero() -> None:
    outcome = Daemon().run(frontend(OK))
    assert outcome.status == 0, outcome.stderr
    (returned,) = outcome.returns
    assert returned.result.metadata == {"k": b"v"}
    assert not returned.HasField("error")


def test_greets_before_anything_heavy_is_imported() -> None:
    # The program says on stderr whether grpc was there when the greeting had been written.
    outcome = Daemon().run(
        "import sys\n"
        "from frontend.gateway import stdio\n"
        "seize = stdio.seize\n"
        "def watched():\n"
        "    pipes = seize()\n"
        "    heavy = {'google.protobuf', 'llb', 'threading', 'typing'} & set(sys.modules)\n"
        "    print('heavy:', sorted(heavy), file=sys.stderr)\n"
        "    return pipes\n"
        "stdio.seize = watched\n" + frontend(OK)
    )
    assert "heavy: []" in outcome.stderr
    assert outcome.first_bytes[0][1] == greeting.GREETING
    assert outcome.written.count(greeting.PREFACE) == 1
    assert outcome.status == 0


def test_a_slow_import_does_not_delay_the_greeting() -> None:
    slow = "import time\ntime.sleep(0.6)\n" + OK
    started = time.monotonic()
    outcome = Daemon().run(frontend(slow))
    assert time.monotonic() - started > 0.6
    assert outcome.first_bytes[0][1] == greeting.GREETING
    assert outcome.first_bytes[0][0] < outcome.first_bytes[-1][0] - 0.4
    assert outcome.status == 0


def test_stray_output_never_reaches_the_wire() -> None:
    noisy = (
        "import os, sys, subprocess\n"
        "print('printed')\n"
        "os.write(1, b'written to 1')\n"
        "subprocess.run(['echo', 'from a child'], check=True)\n"
        "assert sys.stdin.read() == ''\n" + OK
    )
    outcome = Daemon().run(frontend(noisy))
    assert outcome.status == 0, outcome.stderr
    assert len(outcome.returns) == 1
    for words in ("printed", "written to 1", "from a child"):
        assert words in outcome.stderr
        assert words.encode() not in outcome.written


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise RuntimeError('the moon')", "RuntimeError: the moon"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("raise KeyboardInterrupt", "the build was interrupted"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        (
            # Whoever runs the tests in the background has the signal ignored.
            "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "signal.raise_signal(signal.SIGINT)",
            "interrupted",
        ),
        ("return None", "AttributeError"),
    ],
)
def test_whatever_happens_is_returned_once(body: str, words: str) -> None:
    outcome = Daemon().run(frontend(body))
    assert outcome.status == 1
    (returned,) = outcome.returns
    assert not returned.HasField("result")
    assert returned.error.code == 2
    assert words in returned.error.message
    assert "Traceback" not in returned.error.message


def test_a_bug_leaves_its_traceback_in_the_daemons_log() -> None:
    outcome = Daemon().run(frontend("raise RuntimeError('the moon')"))
    assert "Traceback" in outcome.stderr


def test_a_failing_return_still_ends_the_process() -> None:
    def refuse(request: Message, context: grpc.ServicerContext) -> Message:
        context.abort(grpc.StatusCode.INTERNAL, "no")
        raise AssertionError

    outcome = Daemon({"Return": refuse}).run(frontend(OK))
    assert outcome.status == 1
    assert "the conversation with BuildKit broke" in outcome.stderr


def test_threads_that_hang_do_not_keep_the_process() -> None:
    body = "import threading, time\nthreading.Thread(target=lambda: time.sleep(60)).start()\n" + OK
    started = time.monotonic()
    assert Daemon().run(frontend(body)).status == 0
    assert time.monotonic() - started < 30


def test_large_requests_and_answers_pass() -> None:
    big = bytes(range(256)) * 12_000  # 3 MB: many short writes through both pipes

    def read(request: Message, context: grpc.ServicerContext) -> Message:
        assert isinstance(request, gateway_pb2.ReadFileRequest)
        part = big[request.Range.Offset : request.Range.Offset + request.Range.Length]
        return gateway_pb2.ReadFileResponse(Data=part)

    def stat(request: Message, context: grpc.ServicerContext) -> Message:
        return gateway_pb2.StatFileResponse(stat=stat_pb2.Stat(size=len(big), mode=0o644))

    body = (
        "from frontend.gateway.client import Ref\n"
        "data = client.read_file(Ref('r'), '/big')\n"
        "from frontend.gateway.result import answer\n"
        "return answer({'data': data})"
    )
    outcome = Daemon({"ReadFile": read, "StatFile": stat}).run(frontend(body))
    assert outcome.status == 0, outcome.stderr
    assert outcome.returns[0].result.metadata["data"] == big
    assert [name for name, _ in outcome.calls].count("ReadFile") == 2


def test_error_details_of_hundreds_of_kilobytes_survive() -> None:
    status = status_pb2.Status(code=2, message="process did not complete successfully")
    status.details.add(type_url="github.com/moby/buildkit/errdefs.Vertex+json", value=b"{}")
    status.details.add(
        type_url="github.com/moby/buildkit/errdefs.Source+json", value=b'"' + b"x" * 600_000 + b'"'
    )

    def solve(request: Message, context: grpc.ServicerContext) -> Message:
        fail(context, status)
        raise AssertionError

    body = (
        "from llb import Platform, scratch\n"
        "state = scratch().mkfile('/x', b'')\n"
        "definition = state.marshal(platform=Platform('linux', 'amd64'))\n"
        "from frontend.gateway.errors import GatewayError\n"
        "try:\n"
        "    client.solve(definition)\n"
        "except GatewayError as error:\n"
        "    raise error.during('cannot build the kernel')"
    )
    outcome = Daemon({"Solve": solve}).run(frontend(body))
    assert outcome.status == 1
    error = outcome.returns[0].error
    assert error.message == "cannot build the kernel: process did not complete successfully"
    assert error.details == status.details


def test_a_daemon_that_hangs_up_ends_the_build() -> None:
    daemon = Daemon()

    def die(request: Message, context: grpc.ServicerContext) -> Message:
        daemon.hang_up()
        time.sleep(0.2)
        return gateway_pb2.InputsResponse()

    daemon.handlers["Inputs"] = die
    outcome = daemon.run(frontend("client.inputs()"), timeout=10)
    assert outcome.status == 1
    assert outcome.returns == []
    assert "the conversation with BuildKit broke" in outcome.stderr


def test_many_calls_at_a_time() -> None:
    def read(request: Message, context: grpc.ServicerContext) -> Message:
        assert isinstance(request, gateway_pb2.ReadFileRequest)
        time.sleep(0.01)
        return gateway_pb2.ReadFileResponse(Data=request.FilePath.encode() * 1000)

    def stat(request: Message, context: grpc.ServicerContext) -> Message:
        return gateway_pb2.StatFileResponse(stat=stat_pb2.Stat(size=5000, mode=0o644))

    body = (
        "import threading\n"
        "from frontend.gateway.client import Ref\n"
        "found = {}\n"
        "def one(i):\n"
        "    found[i] = client.read_file(Ref('r'), f'/{i:04}') == f'/{i:04}'.encode() * 1000\n"
        "threads = [threading.Thread(target=one, args=(i,)) for i in range(150)]\n"
        "[t.start() for t in threads]\n"
        "[t.join() for t in threads]\n"
        "assert len(found) == 150 and all(found.values()), found\n" + OK
    )
    outcome = Daemon({"ReadFile": read, "StatFile": stat}).run(frontend(body))
    assert outcome.status == 0, outcome.stderr


def test_a_daemon_that_does_not_answer_ping() -> None:
    def sleep(request: Message, context: grpc.ServicerContext) -> Message:
        time.sleep(1)
        return gateway_pb2.PongResponse()

    late = "import frontend.gateway.client as c\nc._PING_SECONDS = 0.2\n"
    outcome = Daemon({"Ping": sleep}).run(late + frontend(OK))
    assert outcome.status == 1
    assert "Ping was not answered in time" in outcome.stderr
    assert outcome.returns == []


def test_words_of_an_error_without_details() -> None:
    def refuse(request: Message, context: grpc.ServicerContext) -> Message:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "größer als 100%\nnicht erlaubt")
        raise AssertionError

    outcome = Daemon({"Inputs": refuse}).run(frontend("client.inputs()"))
    assert outcome.status == 1
    (returned,) = outcome.returns
    assert returned.error.message == "größer als 100%\nnicht erlaubt"
    assert returned.error.code == 7


def test_a_method_that_the_daemon_lacks() -> None:
    outcome = Daemon().run(frontend("client.solve(frontend='x')"))
    assert "the daemon has no method Solve: please update" in outcome.returns[0].error.message


def test_grpcio_is_not_needed() -> None:
    body = "import sys\nassert not {'grpc', 'asyncio', 'ssl'} & set(sys.modules)\n" + OK
    outcome = Daemon().run(frontend(body))
    assert outcome.status == 0, outcome.returns


@pytest.mark.parametrize("where", ["os.kill(os.getpid(), 15)", "threading.Event().wait()"])
def test_sigterm_ends_it_with_a_word(where: str) -> None:
    """Also while it waits: the first process of a container dies of no signal by itself."""
    body = (
        "import os, threading\n"
        "threading.Timer(0.2, os.kill, (os.getpid(), 15)).start()\n"
        f"{where}\n" + OK
    )
    outcome = Daemon().run(frontend(body))
    assert outcome.status == 1
    (answer,) = outcome.returns
    assert answer.error.message == "the build was interrupted"
