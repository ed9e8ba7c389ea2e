"""What carries the client's calls: HTTP/2 in a build, plain answers in a test."""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import Message

Answer = TypeVar("Answer", bound=Message)


class Channel(Protocol):
    """Something that carries a request to the daemon and its answer back."""

    def call(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        """Call `method` of LLBBridge; `timeout` is in seconds. Raises `GatewayError`."""
        ...
