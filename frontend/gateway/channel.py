"""What carries the client's calls: HTTP/2 in a build, plain answers in a test."""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import Message

Answer = TypeVar("Answer", bound=Message)


class Conversation(Protocol):
    """A call in which both sides send any number of messages."""

    def send(self, message: Message) -> None:
        """Send one message. Raises `GatewayError` if the call is over."""
        ...

    def receive(self, kind: type[Answer]) -> Answer | None:
        """The next message of the daemon, None when it has ended the call.

        Waits for it. Raises `GatewayError` for the error that the call ended with.
        """
        ...

    def close(self) -> None:
        """Give the call up, unless it is over."""
        ...


class Channel(Protocol):
    """Something that carries a request to the daemon and its answer back."""

    def call(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        """Call `method` of LLBBridge; `timeout` is in seconds. Raises `GatewayError`."""
        ...

    def converse(self, method: str) -> Conversation:
        """Start a call of `method` that carries messages both ways. Raises `GatewayError`."""
        ...
