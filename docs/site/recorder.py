"""Commands that are run on a terminal of their own, and what it shows of them, with the times."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from docs.site.hooks import ROOT
from docs.site.terminal import Event

COLUMNS, LINES = 88, 26

_LONGEST = 900
_KEY = 0.04


@dataclass(slots=True)
class Recorder:
    """What a terminal shows, with the times."""

    folder: Path
    environ: Mapping[str, str]
    events: list[Event] = field(default_factory=list)
    now: float = 0.0

    def put(self, text: str, after: float = 0.0) -> None:
        """Show a text that no command prints."""
        self.now += after
        self.events.append((self.now, text.replace("\n", "\r\n")))

    def type(self, line: str) -> None:
        """Show a command line as it is typed."""
        self.put("\x1b[1;32m$\x1b[0m ", 1.0 if self.events else 0.0)
        for each in line:
            self.put(each, _KEY)
        self.put("\n", 0.3)

    def run(self, line: str, answers: dict[str, str] | None = None) -> None:
        """Type a command and run it; `answers` are typed where it prints what they answer.

        Raises SystemExit where it fails: no picture is of that.
        """
        self.type(line)
        with Terminal(line, self.folder, self.environ) as terminal:
            shown = self._watch(terminal, dict(answers or {}))
            if status := terminal.status():
                raise SystemExit(f"{line}: exit status {status}\n{shown}")

    def quiet(self, *words: str) -> None:
        """Run a command that is not shown: what it makes is there afterwards."""
        done = subprocess.run(words, cwd=self.folder, env=self.environ, capture_output=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr.decode("utf-8", "replace"))

    def start(self, line: str) -> Terminal:
        """Type a command and start it; `until` and `meanwhile` show what it prints."""
        self.type(line)
        return Terminal(line, self.folder, self.environ)

    def until(self, terminal: Terminal, text: str) -> None:
        """Show what a command prints until it has printed `text`."""
        self._watch(terminal, {}, text)

    def meanwhile(self, terminal: Terminal, seconds: float) -> None:
        """Show what a command prints in so many seconds."""
        for passed, text in terminal.output(seconds):
            self._show(text, passed)

    def _show(self, text: str, after: float) -> None:
        # Where this checkout is, is nobody's business.
        self.put(text.replace(str(ROOT), "~/hutch").replace("\r\n", "\n"), after)

    def _watch(self, terminal: Terminal, answers: dict[str, str], until: str = "") -> str:
        seen = ""
        for seconds, text in terminal.output():
            self._show(text, seconds)
            seen += text
            for question, answer in list(answers.items()):
                if question in seen:
                    del answers[question]
                    time.sleep(0.4)
                    terminal.type(answer + "\n")
            if until and until in seen:
                return seen
        if until or answers:
            raise SystemExit(f"never printed {until or answers}:\n{seen}")
        return seen


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, line: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._waited = False
        self.process, self._end = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe("/bin/sh", ["/bin/sh", "-c", f"exec {line}"], environ)
        import fcntl
        import termios

        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, size)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._waited:  # then the number is still its own
            os.kill(self.process, signal.SIGTERM)
            self.status()
        os.close(self._end)

    def status(self) -> int:
        """Wait for the end, once: the command's status, or minus the signal that ended it."""
        self._waited = True
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def type(self, text: str) -> None:
        """Give it keys."""
        os.write(self._end, text.encode())

    def output(self, limit: float | None = None) -> Iterator[tuple[float, str]]:
        """What it prints, each time with the seconds since the last; ends when it does.

        With a `limit` it ends after so many seconds, too; else to take too long is an error.
        """
        last = start = time.monotonic()
        longest = _LONGEST if limit is None else limit
        while (left := start + longest - time.monotonic()) > 0:
            if not select.select([self._end], [], [], min(left, 1))[0]:
                continue
            try:
                data = os.read(self._end, 1 << 16)
            except OSError:
                return
            if not data:
                return
            now = time.monotonic()
            yield now - last, data.decode("utf-8", "replace")
            last = now
        if limit is None:
            raise SystemExit("it takes too long")
