"""A stand-in for the daemon's side of the pipes, for what a real daemon cannot be made to do.

It starts a child process whose stdin and stdout are pipes, as BuildKit does, and carries the bytes
to a grpcio server in this process, keeping a copy of what the child wrote and when. The tests
against a real BuildKit are in tests/integration; these prove the traps of the wire (slow starts,
stray output, huge error details) without one.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from google.protobuf.message import Message

from llb import Caps
from llb.pb import caps_pb2, gateway_pb2, status_pb2

ROOT = Path(__file__).resolve().parents[2]
SERVICE = "moby.buildkit.v1.frontend.LLBBridge"

Handler = Callable[[Message, grpc.ServicerContext], Message]

GATEWAY_CAPS = (
    *("solve.base", "solve.inlinereturn", "resolveimage", "resolveimage.resolvemode"),
    *("readfile", "readdir", "statfile", "return", "returnmap", "importcaches"),
    *("proto.refarray", "reference.output", "reference.attestations", "frontend.inputs"),
    *("gateway.solve.metadata", "gateway.solve.evaluate", "gateway.exec", "gateway.evaluate"),
    *("gateway.warnings", "frontend.caps", "source.metaresolver"),
)


def pong(gateway: Iterable[str], llb: Iterable[str]) -> gateway_pb2.PongResponse:
    """A Ping answer with these abilities."""
    return gateway_pb2.PongResponse(
        FrontendAPICaps=[caps_pb2.APICap(ID=i, Enabled=True) for i in gateway],
        LLBCaps=[caps_pb2.APICap(ID=i, Enabled=True) for i in llb],
    )


@dataclass
class Outcome:
    """How a child ended and what it sent."""

    status: int
    stderr: str
    returns: list[gateway_pb2.ReturnRequest]
    written: bytes
    first_bytes: list[tuple[float, bytes]]  # seconds since the start, chunk
    calls: list[tuple[str, Message]] = field(default_factory=list)


class Daemon(grpc.GenericRpcHandler):
    """Serves LLBBridge with `handlers` (method name to function) for one child at a time."""

    def __init__(self, handlers: Mapping[str, Handler] | None = None) -> None:
        self.returns: list[gateway_pb2.ReturnRequest] = []
        self.calls: list[tuple[str, Message]] = []
        self._child: subprocess.Popen[bytes] | None = None
        self.handlers: dict[str, Handler] = {
            "Ping": lambda request, context: pong(GATEWAY_CAPS, Caps.of_buildkit(0, 25)),
            "Return": self._return,
            **(handlers or {}),
        }

    def _return(self, request: Message, context: grpc.ServicerContext) -> Message:
        assert isinstance(request, gateway_pb2.ReturnRequest)
        self.returns.append(request)
        return gateway_pb2.ReturnResponse()

    def service(
        self, details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[Message, Message] | None:
        _, service, method = details.method.split("/")
        handler = self.handlers.get(method)
        if service != SERVICE or handler is None:
            return None
        types = gateway_pb2.DESCRIPTOR.services_by_name["LLBBridge"].methods_by_name[method]
        request_type = getattr(gateway_pb2, types.input_type.name)
        answer_type = getattr(gateway_pb2, types.output_type.name)

        def handle(request: Message, context: grpc.ServicerContext) -> Message:
            self.calls.append((method, request))
            return handler(request, context)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=request_type.FromString,
            response_serializer=answer_type.SerializeToString,
        )

    def run(
        self, code: str, environ: Mapping[str, str] | None = None, timeout: float = 30
    ) -> Outcome:
        """Run Python `code` as the frontend, until it ends."""
        address = f"hutch-test-{os.getpid()}-{os.urandom(8).hex()}"
        server = grpc.server(
            ThreadPoolExecutor(8),
            handlers=[self],
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 16 << 20),
                ("grpc.absolute_max_metadata_size", 16 << 20),
            ],
        )
        server.add_insecure_port("unix-abstract:" + address)
        server.start()
        try:
            return self._talk(address, code, environ or {}, timeout)
        finally:
            server.stop(None).wait()

    def hang_up(self) -> None:
        """Close the child's stdin, as if the daemon had died."""
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.close()

    @staticmethod
    def _end(wire: socket.socket) -> None:
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    def _talk(self, address: str, code: str, environ: Mapping[str, str], timeout: float) -> Outcome:
        wire = socket.socket(socket.AF_UNIX)
        wire.connect("\0" + address)
        started = time.monotonic()
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            bufsize=0,
        )
        self._child = child
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        to_child, from_child, errors = child.stdin, child.stdout, child.stderr
        chunks: list[tuple[float, bytes]] = []

        def outward() -> None:
            while data := os.read(from_child.fileno(), 1 << 16):
                chunks.append((time.monotonic() - started, data))
                try:
                    wire.sendall(data)
                except OSError:
                    return

        def inward() -> None:
            try:
                while data := wire.recv(1 << 16):
                    view = memoryview(data)
                    while view:
                        view = view[os.write(to_child.fileno(), view) :]
            except (OSError, ValueError):
                return  # the child, or this side, is done

        threads = [threading.Thread(target=f, daemon=True) for f in (outward, inward)]
        for thread in threads:
            thread.start()
        try:
            stderr = errors.read().decode()
            status = child.wait(timeout)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise
        finally:
            threads[0].join(5)
            # Like the daemon, keep the child's stdin open until it has ended.
            self._end(wire)
            wire.close()
            threads[1].join(5)
            for stream in (to_child, from_child, errors):
                stream.close()
        written = b"".join(data for _, data in chunks)
        return Outcome(status, stderr, self.returns, written, chunks, self.calls)


class Refusal(Exception):
    """A process that ends its call with an error."""

    def __init__(self, status: status_pb2.Status) -> None:
        super().__init__(status.message)
        self.status = status


def fail(context: grpc.ServicerContext, status: status_pb2.Status) -> None:
    """End a call the way BuildKit does: a typed Status in the trailer."""
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, status.message)
