"""A language server as an editor talks to it: JSON-RPC over its pipes (LSP 3.17)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_AT_ONCE = 32


class Server:
    """A running server. `settings` are what `workspace/configuration` is answered with, by section.

    Every reply is awaited, and every file's diagnostics are: nothing here waits for a clock.
    """

    def __init__(self, command: Sequence[str], settings: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._settings = settings
        self._last = 0
        self._found: dict[str, list[dict[str, Any]]] = {}
        self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": None,
                "capabilities": {
                    "workspace": {"configuration": True},
                    "textDocument": {
                        "hover": {"contentFormat": ["markdown"]},
                        "completion": {"completionItem": {"snippetSupport": False}},
                    },
                },
            },
        )
        self._notify("initialized", {})
        self._notify("workspace/didChangeConfiguration", {"settings": settings})

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.communicate()

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """The result of a request. Raises RuntimeError where the server answers with an error."""
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._last and "method" not in message:
                if "error" in message:
                    raise RuntimeError(message["error"])
                return message.get("result")

    def open(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Open a file in the editor, and what the server says is wrong with it."""
        return self.open_all({uri: text})[uri]

    def open_all(self, texts: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Open files by their URI, and what the server says is wrong with each.

        The server waits a moment for more to be typed in a file before it reads it: many are opened
        at a time, and so few that what is said of them fits into a pipe.
        """
        uris = list(texts)
        for at in range(0, len(uris), _AT_ONCE):
            together = uris[at : at + _AT_ONCE]
            for uri in together:
                self._found.pop(uri, None)
                document = {"uri": uri, "languageId": "yaml", "version": 1, "text": texts[uri]}
                self._notify("textDocument/didOpen", {"textDocument": document})
            while not self._found.keys() >= set(together):
                self._next()
        return {uri: self._found[uri] for uri in uris}

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        """The next message; the server's own questions are answered on the way."""
        stdout = self._process.stdout
        assert stdout
        length = 0
        while line := stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            raise RuntimeError(f"the language server ended: {self._process.wait()}")
        message: dict[str, Any] = json.loads(stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            answer: Any = None
            if message["method"] == "workspace/configuration":
                items = message["params"]["items"]
                answer = [self._settings.get(item.get("section", "")) for item in items]
            self._send({"id": message["id"], "result": answer})
        return message


def install(folder: Path, into: Path) -> Path | None:
    """What the lock in `folder` names, installed by npm; None where npm cannot be had."""
    for name in ("package.json", "package-lock.json"):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((folder / name).read_bytes())
    try:
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"],
            cwd=into,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return None
    if done.returncode:
        unreachable = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH")
        if any(word in done.stderr for word in unreachable):
            return None
        raise RuntimeError(done.stderr)
    return into / "node_modules"
