"""One build from the first call to its only Return."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend.gateway.client import Client
from frontend.gateway.errors import UNKNOWN, GatewayError
from frontend.gateway.greeting import EARLY
from frontend.gateway.http2 import Http2Channel
from llb.pb import status_pb2

if TYPE_CHECKING:
    from frontend.gateway.result import Result


def run(handler: Callable[[Client], Result], incoming: int, outgoing: int) -> int:
    """Let `handler` build over the two pipes; return the process's exit status.

    Raises only if the daemon cannot be told how the build ended.
    """
    channel = Http2Channel(incoming, outgoing, EARLY)
    client = Client(channel, product=os.environ.get("BUILDKIT_EXPORTEDPRODUCT", ""))
    try:
        result = handler(client)
        client.return_result(result.message)
    except BaseException as error:
        status = _status(error)
        try:
            client.return_error(status)
        except GatewayError:  # larger than the daemon takes: the words alone are not
            client.return_error(status_pb2.Status(code=status.code, message=status.message))
        return 1
    return 0


def _status(error: BaseException) -> status_pb2.Status:
    """The error as the daemon wants it; our own bugs also leave their traceback in its log."""
    try:
        from frontend.gateway import status

        if status.is_bug(error):
            _log(error)
        return status.from_exception(error)
    except BaseException as worse:  # a broken installation: say at least what broke
        _log(worse)
        text = f"hutch failed: {type(error).__name__}: {error}"
        return status_pb2.Status(code=UNKNOWN, message=ascii(text))


def _log(error: BaseException) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)
