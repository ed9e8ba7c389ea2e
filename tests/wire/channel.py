"""A channel without a wire, for what depends only on what a daemon answers: old and odd daemons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from google.protobuf.message import Message

from frontend.gateway.client import Client
from frontend.gateway.errors import GatewayError
from llb import Caps, Definition
from llb.pb import gateway_pb2 as gw
from llb.pb import ops_pb2, stat_pb2, status_pb2
from tests.wire.daemon import GATEWAY_CAPS, pong

Answer = TypeVar("Answer", bound=Message)

OLD_CAPS = tuple(  # BuildKit 0.8, as in Docker 20.10
    set(GATEWAY_CAPS)
    - {"gateway.evaluate", "gateway.warnings", "reference.attestations", "source.metaresolver"}
)


MADE = ""
"""In the place of a source identifier: of graphs that are about another op."""


class Answers:
    """Answers each method with a function or a message, and keeps the requests."""

    def __init__(self, answers: Mapping[str, Callable[[Message], Message] | Message]) -> None:
        self.answers = answers
        self.requests: list[tuple[str, Message]] = []

    def begin(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Callable[[], Answer]:
        try:
            found = self._answer(method, request, answer)
        except GatewayError as error:
            failed = error  # told to whoever waits

            def wait() -> Answer:
                raise failed

            return wait
        return lambda: found

    def _answer(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        self.requests.append((method, request))
        given = self.answers.get(method)
        if given is None:
            status = status_pb2.Status(code=12, message=f"unknown method {method}")
            raise GatewayError(status)
        found = given if isinstance(given, Message) else given(request)
        assert isinstance(found, answer)
        return found

    def called(self, method: str) -> list[Message]:
        """The requests of one method."""
        return [request for name, request in self.requests if name == method]


class Solver(Answers):
    """A daemon whose solves give the files in `files`, by source identifier and path.

    It runs no step: what a graph makes has the files of `MADE`.
    """

    def __init__(
        self,
        files: Mapping[str, Mapping[str, bytes]] | None = None,
        answers: Mapping[str, Callable[[Message], Message] | Message] | None = None,
        *,
        gateway: Iterable[str] = GATEWAY_CAPS,
        llb: Iterable[str] | None = None,
    ) -> None:
        self.files = files or {}
        self.modes: dict[str, int] = {}  # Go's, of what is no regular file
        caps = Caps.of_buildkit(0, 31) if llb is None else llb
        super().__init__(
            {
                "Ping": pong(gateway, caps),
                "Solve": self._solve,
                "ReadFile": self._read_file,
                "StatFile": self._stat_file,
                "Inputs": gw.InputsResponse(),
                "Evaluate": gw.EvaluateResponse(),
                "Warn": gw.WarnResponse(),
                **(answers or {}),
            }
        )
        self._solved: list[ops_pb2.SourceOp | None] = []

    def client(self) -> Client:
        return Client(self)

    def _solve(self, request: Message) -> Message:
        assert isinstance(request, gw.SolveRequest)
        self._solved.append(source(Definition.from_pb(request.Definition)))
        answer = gw.SolveResponse()
        answer.result.ref.id = f"ref-{len(self._solved) - 1}"
        return answer

    def _find(self, ref: str, path: str) -> bytes:
        op = self._solved[int(ref.removeprefix("ref-"))]
        found = self.files.get(op.identifier if op is not None else MADE, {})
        data = found.get(path, found.get(path.removeprefix("/")))
        if data is None:
            text = f"lstat {path}: no such file or directory"
            raise GatewayError(status_pb2.Status(code=2, message=text))
        return data

    def _stat_file(self, request: Message) -> Message:
        assert isinstance(request, gw.StatFileRequest)
        data = self._find(request.Ref, request.Path)
        stat = stat_pb2.Stat(path=request.Path, mode=self.modes.get(request.Path, 0o644))
        stat.size = len(data)
        return gw.StatFileResponse(stat=stat)

    def _read_file(self, request: Message) -> Message:
        assert isinstance(request, gw.ReadFileRequest)
        assert request.FilePath not in self.modes, "a daemon would hang in it"
        data = self._find(request.Ref, request.FilePath)
        start = request.Range.Offset
        return gw.ReadFileResponse(Data=data[start : start + request.Range.Length])

    @property
    def sources(self) -> list[ops_pb2.SourceOp | None]:
        """What was solved, in order: the source op at the head of each graph."""
        return self._solved


def source(definition: Definition) -> ops_pb2.SourceOp | None:
    """The source op that a graph is about; None if it is about another op."""
    for op in definition.ops():
        if op.digest == definition.head and op.kind == "source":
            return op.message.source
    return None
