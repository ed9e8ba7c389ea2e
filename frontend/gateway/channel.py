"""What carries the client's calls: HTTP/2 in a build, plain answers in a test."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, Protocol, TypeVar

from google.protobuf.message import Message

Answer = TypeVar("Answer", bound=Message)
Value = TypeVar("Value")


class Pending(Generic[Value]):
    """What a call that was begun will give: whoever asks waits for it, and all get the same."""

    __slots__ = ("_error", "_lock", "_value", "_wait")

    def __init__(self, wait: Callable[[], Value]) -> None:
        self._wait: Callable[[], Value] | None = wait
        self._lock = Lock()
        self._error: BaseException | None = None

    def __call__(self) -> Value:
        """The value. Raises what the call ended with."""
        with self._lock:
            if self._wait is not None:
                wait, self._wait = self._wait, None
                try:
                    self._value = wait()
                except BaseException as error:
                    self._error = error
        if self._error is not None:
            raise self._error
        return self._value


class Channel(Protocol):
    """Something that carries a request to the daemon and its answer back."""

    def begin(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Callable[[], Answer]:
        """Call `method` of LLBBridge; what is returned waits for the answer, and is called once.

        `timeout` is in seconds from now. Both raise `GatewayError`.
        """
        ...
