"""`python3 -m frontend`: the gateway frontend where BuildKit runs it, elsewhere the command line.

BuildKit gives a frontend its session in the environment. Nothing but `os` is imported before the
daemon has been greeted (`frontend.gateway.stdio`).
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from frontend.gateway.client import Client
    from frontend.gateway.result import Result


def _handle(client: "Client") -> "Result":
    from frontend.dockerui.contexts import begin

    begin(client)
    from frontend.build import build  # the whole program; meanwhile the client sends the build file

    return build(client)


if __name__ == "__main__":
    if "BUILDKIT_SESSION_ID" in os.environ:
        from frontend.gateway.stdio import serve

        serve(_handle)
    else:
        from frontend.cli import main
        from frontend.gateway.stdio import end_on_request

        end_on_request()
        try:
            sys.exit(main())
        except KeyboardInterrupt:
            sys.exit(130)
