"""The process contract: HTTP/2 over the pipes that are our stdin and stdout, and one Return.

The daemon is the HTTP/2 server. It kills the frontend if the client's preface is not there ten
seconds after *it* started to wait, which is before our container exists, and again if no SETTINGS
frame follows within two seconds. So `seize` writes both before this process imports anything else:
a slow disk or an emulated processor must not end the build.

This module imports next to nothing when it is loaded, and that is the point of it.
Sources: docs/contract/buildkit.md 0 and 1 (x/net http2/server.go, frontend/gateway/gateway.go).
"""

from __future__ import annotations

import os
import sys

from frontend.gateway.greeting import GREETING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from frontend.gateway.client import Client
    from frontend.gateway.result import Result


def serve(handler: Callable[[Client], Result]) -> NoReturn:
    """Run a build for the daemon at the other end of stdin and stdout, and end the process.

    `handler` gets the client and returns the result to send; it should do its heavy imports itself,
    so that they happen after the greeting and their failure is reported. Whatever it raises,
    `KeyboardInterrupt` and `SystemExit` included, is sent as the build's error. Exactly one Return
    is sent. The exit status is 0 after a result and 1 after an error: the daemon discards a result
    that is followed by another status.
    """
    incoming, outgoing = seize()
    status = 1
    try:
        from frontend.startup import prepare

        prepare()
        end_on_request()
        from frontend.gateway.session import run

        status = run(handler, incoming, outgoing)
    except BaseException as error:
        # Nothing can be returned from here: the wire itself failed. The daemon logs our stderr.
        print(f"hutch: the conversation with BuildKit broke: {error!r}", file=sys.stderr)
    finally:
        # The daemon never closes our stdin, and a thread blocked on it would keep Python alive.
        sys.stderr.flush()
        os._exit(status)


def end_on_request() -> None:
    """Let SIGTERM end this process, with an error that is returned.

    The kernel ignores a signal that the first process of a container does not handle.
    """
    import signal

    def end(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, end)


def seize() -> tuple[int, int]:
    """Greet the daemon, then take stdin and stdout away from everybody else in this process.

    Returns the descriptors to read from and to write to. Afterwards descriptor 0 is empty and 1 is
    stderr, so that a stray `print` cannot corrupt the wire.
    """
    write_all(1, GREETING)
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, outgoing


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte: a pipe takes as little as it likes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
