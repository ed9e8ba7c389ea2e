"""Files over HTTP, and git repositories to fetch, on this machine."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def serve(
    folder: Path, respond: Callable[[http.server.SimpleHTTPRequestHandler], bool] | None = None
) -> Iterator[str]:
    """Files over http on loopback; `respond` may answer a request itself."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def do_GET(self) -> None:
            if respond is None or not respond(self):
                super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def git(folder: Path, *args: str, when: int = 1_600_000_000) -> str:
    """Run git with a fixed author and time."""
    who = {"NAME": "hutch", "EMAIL": "hutch@example.com", "DATE": f"{when} +0000"}
    env = {
        f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()
    }
    command = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", *args]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, env={**os.environ, **env}
    )
    return done.stdout.decode().strip()


def repository(work: Path, bare: Path, when: int = 1_600_000_000) -> str:
    """Commit everything in `work`, publish it as `bare` for plain http; returns the commit."""
    git(work, "init", "-q")
    git(work, "add", "-A")
    git(work, "commit", "-qm", "all", when=when)
    git(work, "clone", "-q", "--bare", ".", str(bare))
    git(bare, "update-server-info")
    return git(work, "rev-parse", "HEAD")
