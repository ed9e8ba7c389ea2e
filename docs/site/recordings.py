"""Recordings of the command for the documentation: `make recordings` writes docs/pictures/*.svg.

Each command is really run, on a terminal of its own, with the engine's Docker and registry; what is
typed is drawn as if somebody typed it. Of a wait more than a second is cut. A build is made once
before it is recorded, so that a kernel's minutes are not in the picture: the pages say so.

`python -m docs.site.recordings [NAME | NAME=IMAGE ...]` records some: scenes, and examples by their
names. An example with an IMAGE is not built, and that image is booted: so are those whose sources
are not in Debian's archive. Without names all that can be built here are recorded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from docs.site import guests
from docs.site.hooks import PICTURES, ROOT
from docs.site.recorder import COLUMNS, LINES, Recorder
from docs.site.terminal import Screen, animated

_NAME = "hutch:1"
"""What the files of the documentation call hutch's image."""

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


def init(made: Recorder) -> None:
    """A first file for a program that is there."""
    (made.folder / "server.c").write_text(SERVER)
    made.run("ls")
    made.run("hutch init", {"[c] ": "", "[linux] ": "", "[none] ": "8080"})
    made.run("cat bunnyfile")
    made.run("hutch check")


def build_run(made: Recorder) -> None:
    """A build, and the guest that it gives."""
    (made.folder / "server.c").write_text(SERVER + unseen())
    (made.folder / "bunnyfile").write_text(BUNNYFILE)
    made.quiet("hutch", "build", "--run", ".")
    made.run("sed -i s/argument/word/ server.c")
    made.run("hutch build --run .")


def dev(made: Recorder) -> None:
    """A change, and the guest that starts anew with it."""
    clock = CLOCK + unseen()
    (made.folder / "server.c").write_text(clock)
    (made.folder / "bunnyfile").write_text(BUNNYFILE.replace(', "two words", "more"', ""))
    made.quiet("hutch", "build", ".")
    with made.start("hutch dev") as terminal:
        made.until(terminal, "hello\r\n")
        made.put("\n\x1b[2m(in an editor: hello becomes hello again)\x1b[0m\n", 1.0)
        (made.folder / "server.c").write_text(clock.replace("hello", "hello again"))
        made.until(terminal, "hello again\r\n")


def unseen() -> str:
    """The end of a program that no builder has in its cache."""
    return f"/* {time.time_ns()} */\n"


SCENES = {
    "init": (init, "hutch init looks at a directory and writes a bunnyfile"),
    "build-run": (build_run, "hutch build --run builds a changed program and boots it"),
    "dev": (dev, "hutch dev builds and boots again after a change"),
}


def record(name: str, folder: Path, environ: dict[str, str]) -> Path:
    """Record a scene, and write its picture; returns where that is."""
    scene, title = SCENES[name]
    place = folder / "server"
    place.mkdir()
    made = Recorder(place, environ)
    scene(made)
    frames = Screen(COLUMNS, LINES).frames(made.events)
    picture = PICTURES / f"record-{name}.svg"
    picture.write_text(animated(frames, COLUMNS, LINES, title=title), encoding="utf-8")
    return picture


def main(words: list[str]) -> int:
    """Record the scenes and examples that `words` name, or all that can be had here."""
    command = Path(sys.executable).parent
    environ = {
        **os.environ,
        "PATH": f"{ROOT / '.venv/bin'}{os.pathsep}{command}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "COLUMNS": str(COLUMNS),
        "LINES": str(LINES),
        "PS1": "",
    }
    with tempfile.TemporaryDirectory(prefix="hutch-recording-") as scratch:
        docker = Recorder(Path(scratch), environ)
        docker.quiet("docker", "pull", environ["HUTCH_FRONTEND"])
        docker.quiet("docker", "tag", environ["HUTCH_FRONTEND"], _NAME)
        try:
            for word in words or [*SCENES, *guests.built_here()]:
                name, _, image = word.partition("=")
                folder = Path(scratch) / name
                folder.mkdir()
                if name in SCENES:
                    picture = record(name, folder, environ)
                else:
                    picture = guests.record(name, image or None, folder, environ)
                print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size} bytes", flush=True)
        finally:
            docker.quiet("docker", "image", "rm", "--force", _NAME)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
