"""One gRPC channel to the daemon: methods by name, failures as `GatewayError`.

The stubs that grpcio-tools can generate would cost import time and say nothing more than this file.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from google.protobuf.message import Message

from frontend.gateway.errors import UNKNOWN, GatewayError
from llb.pb import status_pb2

_SERVICE = "/moby.buildkit.v1.frontend.LLBBridge/"
_METADATA_LIMIT = 16 << 20  # bytes; error details hold whole files, grpcio's default is 16 KiB

Answer = TypeVar("Answer", bound=Message)


class Channel(Protocol):
    """Something that carries a request to the daemon and its answer back."""

    def call(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        """Call `method` of LLBBridge; `timeout` is in seconds. Raises `GatewayError`."""
        ...


class GrpcChannel:
    """A `Channel` over grpcio."""

    def __init__(self, address: str) -> None:
        import grpc

        self._grpc = grpc
        self._channel = grpc.insecure_channel(
            address,
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", _METADATA_LIMIT),
                ("grpc.absolute_max_metadata_size", _METADATA_LIMIT),
                ("grpc.enable_retries", 0),
                ("grpc.enable_http_proxy", 0),
                ("grpc.default_authority", "localhost"),
                ("grpc.use_local_subchannel_pool", 1),
            ],
        )

    def call(
        self, method: str, request: Message, answer: type[Answer], timeout: float | None = None
    ) -> Answer:
        """Call `method` of LLBBridge; `timeout` is in seconds. Raises `GatewayError`."""
        invoke = self._channel.unary_unary(
            _SERVICE + method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return invoke(request, timeout=timeout)
        except self._grpc.RpcError as error:
            raise GatewayError(_status(error)) from None


def _status(error: object) -> status_pb2.Status:
    """The typed status of a failed call, from the trailer that carries it."""
    import grpc

    if not isinstance(error, grpc.Call):
        return status_pb2.Status(code=UNKNOWN, message=str(error))
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    code: int = error.code().value[0]
    return status_pb2.Status(code=code, message=error.details() or "")
