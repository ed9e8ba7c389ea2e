"""Runs in the frontend image, in the place of `python3 -m frontend`: a build with a stop-watch.

    python3 -I -S -B -m profiled

It does what `frontend.__main__` does, and tells the daemon's log where the time went: the wall time
of each phase, without what runs inside it, and each call with the time that was waited for it.
"""

import _thread
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

MARK = "hutch-bench "
importing: Any = sys.modules["_frozen_importlib"]
"""Python's own importer, which calls `_find_and_load` for what is not there yet."""
clock = time.monotonic


class Watch:
    """Phases of the main thread, one inside the other."""

    def __init__(self) -> None:
        self.began = clock()
        self.spent: dict[str, float] = {}
        self.calls: list[tuple[str, float]] = []
        self.rounds = 0
        self._stack = ["other"]
        self._since = self.began
        self._thread = _thread.get_ident()

    def enter(self, phase: str) -> None:
        """Begin a phase inside the one that runs."""
        self._count()
        self._stack.append(phase)

    def leave(self) -> None:
        """Go on with the phase around this one."""
        self._count()
        self._stack.pop()

    def _count(self) -> None:
        now = clock()
        phase = self._stack[-1]
        self.spent[phase] = self.spent.get(phase, 0.0) + now - self._since
        self._since = now

    def around(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, as a phase where the main thread calls it."""

        def timed(*args: Any, **options: Any) -> Any:
            if _thread.get_ident() != self._thread or self._stack[-1] == phase:
                return function(*args, **options)
            self.enter(phase)
            try:
                return function(*args, **options)
            finally:
                self.leave()

        return timed


def watched(watch: Watch) -> None:
    """Let the frontend's parts tell the watch."""
    import frontend.build as build
    from frontend import plan, session, targets
    from frontend.dockerui.contexts import Contexts
    from frontend.lint.reporter import Reporter
    from llb import State

    for phase, owner, name in (
        ("read: the build file", Contexts, "build_file"),
        ("load: YAML, schema, model", session, "load"),
        ("plan", plan, "make"),
        ("lint", Reporter, "lint"),
        ("look at what was built", Reporter, "look"),
        ("lower: states", targets, "find"),
        ("marshal", State, "marshal"),
        ("facts", build, "facts"),
    ):
        setattr(owner, name, watch.around(phase, getattr(owner, name)))


def main() -> None:
    """Build once."""
    watch = Watch()
    from frontend.gateway.stdio import end_on_request, seize

    incoming, outgoing = seize()
    watch.enter("imports before the first answer")
    from frontend.startup import prepare

    prepare()
    end_on_request()
    from frontend.gateway import session
    from frontend.gateway.http2 import Http2Channel

    watch.leave()
    found = importing._find_and_load
    importing._find_and_load = watch.around("imports after it", found)
    begin = Http2Channel.begin

    def begun(channel: Any, method: str, *args: Any) -> Callable[[], Any]:
        started = clock()
        wait = begin(channel, method, *args)

        def waited() -> Any:
            asked = clock()
            try:
                return watch.around("waiting for the daemon", wait)()
            finally:
                spent = clock() - asked
                watch.calls.append((method, clock() - started))
                watch.rounds += spent > 0.0002

        return waited

    Http2Channel.begin = begun  # type: ignore[assignment, method-assign]

    def handle(client: Any) -> Any:
        from frontend.dockerui.contexts import begin

        begin(client)
        from frontend.build import build

        watched(watch)
        return build(client)

    status = session.run(handle, incoming, outgoing)
    importing._find_and_load = found
    watch.leave()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "phases": watch.spent,
        "calls": watch.calls,
        "rounds": watch.rounds,
        "wall": clock() - watch.began,
        "cpu": usage.ru_utime + usage.ru_stime,
        "modules": len(sys.modules),
    }
    print(MARK + json.dumps(told), file=sys.stderr, flush=True)
    os._exit(status)


if __name__ == "__main__":
    main()
