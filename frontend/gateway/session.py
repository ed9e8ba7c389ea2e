"""One build from the first call to its only Return."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from frontend.gateway.channel import GrpcChannel
from frontend.gateway.client import Client

if TYPE_CHECKING:
    from frontend.gateway.result import Result


def run(handler: Callable[[Client], Result], address: str) -> int:
    """Let `handler` build over the channel at `address`; return the process's exit status.

    Raises only if the daemon cannot be told how the build ended.
    """
    client = Client(GrpcChannel(address), product=os.environ.get("BUILDKIT_EXPORTEDPRODUCT", ""))
    try:
        result = handler(client)
        client.return_result(result.message)
    except BaseException as error:
        from frontend.gateway import status

        answer = status.from_exception(error)
        if status.is_bug(error):
            import traceback

            traceback.print_exception(error, file=sys.stderr)
        client.return_error(answer)
        return 1
    return 0
