"""Recordings of the command for the documentation: `make recordings` writes docs/pictures/*.svg.

Each command is really run, on a terminal of its own, with the engine's Docker and registry; what is
typed is drawn as if somebody typed it. Of a wait more than a second is cut. A build is made once
before it is recorded, so that a kernel's minutes are not in the picture: the pages say so.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from docs.site.hooks import ROOT
from docs.site.terminal import Event, Screen, animated

PICTURES = ROOT / "docs/pictures"
COLUMNS, LINES = 88, 26

_LONGEST = 900
_KEY = 0.04

SERVER = """\
#include <stdio.h>

int main(int argc, char **argv)
{
\tfor (int i = 0; i < argc; i++)
\t\tprintf("argument %d: %s\\n", i, argv[i]);
}
"""

BUNNYFILE = """\
# syntax=hutch:1
version: v1

platforms:
  framework: linux
  monitor: qemu

kernel:
  from: source
  config: tiny

app:
  from: local
  build: $CC -Os -static -o server server.c
  artifacts: [server:/server]

rootfs:
  type: initrd

cmd: ["/server", "two words", "more"]
"""

CLOCK = """\
#include <stdio.h>
#include <unistd.h>

int main(void)
{
\tputs("hello");
\tfor (;;)
\t\tpause();
}
"""


@dataclass(slots=True)
class Recorder:
    """What a terminal shows, with the times."""

    folder: Path
    environ: dict[str, str]
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
        """Type a command and run it; `answers` are typed where it prints what they answer."""
        self.type(line)
        with _Terminal(line, self.folder, self.environ) as terminal:
            self._watch(terminal, dict(answers or {}))

    def start(self, line: str) -> _Terminal:
        """Type a command and start it; `until` shows what it prints."""
        self.type(line)
        return _Terminal(line, self.folder, self.environ)

    def until(self, terminal: _Terminal, text: str) -> None:
        """Show what a command prints until it has printed `text`."""
        self._watch(terminal, {}, text)

    def _watch(self, terminal: _Terminal, answers: dict[str, str], until: str = "") -> None:
        seen = ""
        for seconds, text in terminal.output():
            # Where this checkout is, is nobody's business.
            self.put(text.replace(str(ROOT), "~/hutch").replace("\r\n", "\n"), seconds)
            seen += text
            for question, answer in list(answers.items()):
                if question in seen:
                    del answers[question]
                    time.sleep(0.4)
                    terminal.type(answer + "\n")
            if until and until in seen:
                return
        if until or answers:
            raise SystemExit(f"never printed {until or answers}:\n{seen}")


class _Terminal:
    """A command on a terminal of its own."""

    def __init__(self, line: str, folder: Path, environ: dict[str, str]) -> None:
        self.process, self._end = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe("/bin/sh", ["/bin/sh", "-c", f"exec {line}"], environ)
        import fcntl
        import termios

        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._end, termios.TIOCSWINSZ, size)

    def __enter__(self) -> _Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            os.kill(self.process, signal.SIGTERM)
            os.waitpid(self.process, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self._end)

    def type(self, text: str) -> None:
        """Give it keys."""
        os.write(self._end, text.encode())

    def output(self) -> Iterator[tuple[float, str]]:
        """What it prints, each time with the seconds since the last; ends when it does."""
        last = start = time.monotonic()
        while time.monotonic() - start < _LONGEST:
            if not select.select([self._end], [], [], 1)[0]:
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
        raise SystemExit("it takes too long")


def init(made: Recorder) -> None:
    """A first file for a program that is there."""
    (made.folder / "server.c").write_text(SERVER)
    made.run("ls")
    made.run("hutch init", {"[c] ": "", "[none] ": "8080"})
    made.run("cat bunnyfile")
    made.run("hutch check")


def build_run(made: Recorder) -> None:
    """A build, and the guest that it gives."""
    (made.folder / "server.c").write_text(SERVER + unseen())
    (made.folder / "bunnyfile").write_text(BUNNYFILE)
    quiet(made, "hutch", "build", "--run", ".")
    made.run("sed -i s/argument/word/ server.c")
    made.run("hutch build --run .")


def dev(made: Recorder) -> None:
    """A change, and the guest that starts anew with it."""
    clock = CLOCK + unseen()
    (made.folder / "server.c").write_text(clock)
    (made.folder / "bunnyfile").write_text(BUNNYFILE.replace(', "two words", "more"', ""))
    quiet(made, "hutch", "build", ".")
    with made.start("hutch dev") as terminal:
        made.until(terminal, "hello\r\n")
        made.put("\n\x1b[2m(in an editor: hello becomes hello again)\x1b[0m\n", 1.0)
        (made.folder / "server.c").write_text(clock.replace("hello", "hello again"))
        made.until(terminal, "hello again\r\n")


def unseen() -> str:
    """The end of a program that no builder has in its cache."""
    return f"/* {time.time_ns()} */\n"


def quiet(made: Recorder, *words: str) -> None:
    """Run a command that is not recorded: what it builds is there afterwards."""
    subprocess.run(words, cwd=made.folder, env=made.environ, check=True, capture_output=True)


SCENES = {
    "init": (init, "hutch init looks at a directory and writes a bunnyfile"),
    "build-run": (build_run, "hutch build --run builds a changed program and boots it"),
    "dev": (dev, "hutch dev builds and boots again after a change"),
}


def main(names: list[str]) -> int:
    """Record the scenes called `names`, or all."""
    command = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{command}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "COLUMNS": str(COLUMNS),
        "LINES": str(LINES),
        "PS1": "",
    }
    for name in names or SCENES:
        scene, title = SCENES[name]
        with tempfile.TemporaryDirectory(prefix="hutch-recording-") as folder:
            place = Path(folder) / "server"
            place.mkdir()
            made = Recorder(place, environ)
            scene(made)
        frames = Screen(COLUMNS, LINES).frames(made.events)
        picture = PICTURES / f"record-{name}.svg"
        picture.write_text(animated(frames, COLUMNS, LINES, title=title), encoding="utf-8")
        print(f"{picture.relative_to(ROOT)}: {len(frames)} frames, {picture.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
