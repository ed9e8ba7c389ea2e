"""`hutch init`: a first bunnyfile, for what is in a directory."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from frontend.cli import complain
from frontend.cli.options import parser as make
from frontend.cli.options import port_number, value

NAME = "bunnyfile"
SCHEMA = "bunnyfile.schema.json"

_HEAD = """\
# yaml-language-server: $schema={schema}
# {summary}
# Build and boot it: hutch build --run {place}
version: v1

platforms:
  framework: linux            # what runs in the virtual machine
  monitor: qemu               # what runs the virtual machine

kernel:
  from: source                # Linux, built for virtual machines: minutes once, then from the cache
"""
_MIRAGE = """\
# yaml-language-server: $schema={schema}
# {summary}
# Build and boot it: hutch build --run {place}
version: v1

platforms:
  framework: mirage           # OCaml on Solo5, without an operating system
  monitor: spt                # a process under seccomp: needs no KVM

kernel:
  from: source                # the application becomes the kernel

app:
  from: local                 # this directory
  path: .
"""
_UNIKRAFT = """\
# yaml-language-server: $schema={schema}
# {summary}
# Build and boot it: hutch build --run {place}
version: v1

platforms:
  framework: unikraft         # a library operating system
  monitor: qemu               # what runs the virtual machine; or firecracker

kernel:
  from: source                # the application is linked into the kernel

app:
  from: local                 # this directory
  path: .
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of project: how it is called, what shows it, and what makes its bunnyfile.

    `write` is given the directory and returns the lines after the head, and what the file is of.
    """

    name: str
    about: str
    shows: Callable[[Path], bool]
    write: Callable[[Path], tuple[str, str]]
    head: str = _HEAD


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "init",
        """
        It looks at the directory (a Dockerfile, go.mod, Cargo.toml, package.json, config.ml,
        dune-project, Makefile.uk, a Makefile, a C file), asks what it found out, and writes a
        bunnyfile with comments, which `hutch check` accepts.
        """,
        examples=("hutch init", "hutch init --yes --language go --port 8080 service"),
        statuses={
            1: "there is a bunnyfile already, or nothing that it knows",
            130: "it was interrupted: Ctrl-C, or Ctrl-D at a question",
        },
    )
    made.add_argument("directory", nargs="?", default=".", metavar="DIR", help="where (.)")
    made.add_argument("-y", "--yes", action="store_true", help="ask nothing")
    made.add_argument("--language", choices=list(KINDS), help="what it is (what is found)")
    made.add_argument(
        "--port", type=value(port_number), metavar="PORT", help="the port it listens on"
    )
    made.add_argument(
        "--force", action="store_true", help="write over a bunnyfile and a schema that are there"
    )
    made.add_argument(
        "--schema",
        default=SCHEMA,
        metavar="PATH",
        help=f"where an editor finds the schema ({SCHEMA})",
    )
    return made


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    folder = Path(options.directory)
    if not folder.is_dir():
        raise OSError(f"'{folder}' is no directory")
    file = folder / NAME
    if file.exists() and not options.force:
        hint = "it is of version v0.1: `hutch migrate` makes it v1" if _is_old(file) else "--force"
        raise OSError(f"there is a {NAME} in '{folder}' already ({hint})")
    found = options.language or next((k.name for k in KINDS.values() if k.shows(folder)), None)
    port: int | None = options.port
    if not options.yes and sys.stdin.isatty():
        try:
            found = _ask("What is it", found or "c", KINDS, options.language)
            if port is None:
                port = _ask_port()
        except EOFError:
            # The terminal is still in the question's line.
            print()
            return complain("a question has no answer, and nothing is written", 130)
    if found is None:
        raise OSError(
            f"'{folder}' has nothing that is known: choose with --language: {', '.join(KINDS)}"
        )
    kind = KINDS[found]
    if not kind.shows(folder):
        raise OSError(f"'{folder}' does not look like {kind.about}")
    rest, summary = kind.write(folder)
    place = "." if options.directory == "." else options.directory
    text = kind.head.format(schema=options.schema, summary=summary, place=place) + rest
    if port is not None:
        text += f'\nports: ["{port}/tcp"]            # hutch run -p {port}:{port} leads here\n'
    file.write_text(text, encoding="utf-8")
    print(f"wrote {file}: {summary}")
    schema = folder / SCHEMA
    if options.schema == SCHEMA and (options.force or not schema.exists()):
        from frontend.bunnyfile import editor

        schema.write_text(editor.text(), encoding="utf-8")
        print(f"wrote {schema}: what an editor reads, as `hutch schema` prints it")
    print(f"next: hutch build --run {place}")
    return 0


# --- kinds of projects ---


def _dockerfile(folder: Path) -> tuple[str, str]:
    rest = """
rootfs:
  from: dockerfile            # what the Dockerfile builds is the guest's root filesystem
  dockerfile: Dockerfile      # its ENV, USER, WORKDIR, ENTRYPOINT and CMD are kept
  type: block                 # one disk image
"""
    return rest, "a Dockerfile as a virtual machine"


def _go(folder: Path) -> tuple[str, str]:
    module = re.search(r"^module\s+(\S+)", _text(folder / "go.mod"), re.MULTILINE)
    name = _name(module[1] if module else "", folder)
    fetch = ""
    if re.search(r"^\s*require\b", _text(folder / "go.mod"), re.MULTILINE):
        fetch = """\
  fetch: go mod download      # with the network; the build itself has none
"""
    rest = f"""
app:
  from: local                 # this directory
  path: .
  packages: [golang-go]       # Debian's, for this build alone
{fetch}  build: go build -trimpath -ldflags=-s -o {name} .
  artifacts:
    - {name}:/{name}          # what the build leaves, and where it goes in the guest

rootfs:
  type: initrd                # one archive, which the kernel unpacks into memory

cmd: ["/{name}"]
"""
    return rest, "a Go program in a virtual machine"


def _rust(folder: Path) -> tuple[str, str]:
    text = _text(folder / "Cargo.toml")
    found = re.search(r'^name\s*=\s*"([^"]+)"', text, re.MULTILINE)
    name = found[1] if found else _name("", folder)
    fetch = ""
    if re.search(r"^\[dependencies\]\s*\n\s*\w", text, re.MULTILINE):
        fetch = """\
  fetch: cargo fetch          # with the network; the build itself has none
"""
    rest = f"""
app:
  from: local                 # this directory
  path: .
  packages: [cargo]           # Debian's, for this build alone
{fetch}  build: |
    export RUSTFLAGS="-C target-feature=+crt-static"
    cargo build --release --offline
    mv "target/$CARGO_BUILD_TARGET/release/{name}" .
  artifacts:
    - {name}:/{name}          # what the build leaves, and where it goes in the guest

rootfs:
  type: initrd                # one archive, which the kernel unpacks into memory

cmd: ["/{name}"]
"""
    return rest, "a Rust program in a virtual machine"


def _node(folder: Path) -> tuple[str, str]:
    try:
        about = json.loads(_text(folder / "package.json"))
    except ValueError:
        about = {}
    main = about.get("main") if isinstance(about, dict) else None
    main = main if isinstance(main, str) else "index.js"
    needs = isinstance(about, dict) and about.get("dependencies")
    fetch = (
        """\
  fetch: npm install --omit=dev   # with the network; the build itself has none
"""
        if needs
        else ""
    )
    rest = f"""
app:
  from: local                 # this directory
  path: .
  packages: [nodejs, npm]     # Debian's, for this build alone
{fetch}  build: |                    # Node.js itself, with the libraries that it loads
    mkdir -p .guest/app .guest/lib .guest/lib64
    for file in /usr/bin/node $(ldd /usr/bin/node | grep -o '/[^ ]*'); do
      cp --parents -L "$file" .guest
    done
    cp --parents -r /usr/share/nodejs .guest
    find . -maxdepth 1 ! -name . ! -name .guest ! -name .git -exec cp -r {{}} .guest/app ';'
  artifacts: [".guest/app:/app", ".guest/usr:/usr", ".guest/lib:/lib", ".guest/lib64:/lib64"]

rootfs:
  type: block                 # one disk image: too much to keep in memory

workdir: /app
cmd: ["/usr/bin/node", "{main}"]
"""
    return rest, "a Node.js program in a virtual machine"


def _mirage(folder: Path) -> tuple[str, str]:
    rest = ""
    if (folder / "config.ml").is_file() and not (folder / "dist" / "dune").is_file():
        rest = """\
  # packages: [libgmp-dev]    # Debian's, where a library links to one
  # options: {net: direct}    # keys of config.ml, as mirage configure takes them
"""
    return rest, "a MirageOS unikernel"


def _unikraft(folder: Path) -> tuple[str, str]:
    rest = """\
  # libraries: [musl, lwip]   # a C library, and the network
"""
    return rest, "a Unikraft unikernel"


def _make(folder: Path) -> tuple[str, str]:
    text = _text(folder / "Makefile")
    found = re.search(r"-o\s+([\w./-]+)", text)
    name = found[1] if found else _name("", folder)
    base = os.path.basename(name)
    rest = f"""
app:
  from: local                 # this directory
  path: .
  build: make CC="$CC -static"
  artifacts:
    - {name}:/{base}          # what make leaves, and where it goes in the guest

rootfs:
  type: initrd                # one archive, which the kernel unpacks into memory

cmd: ["/{base}"]
"""
    return rest, "what a Makefile makes, in a virtual machine"


def _c(folder: Path) -> tuple[str, str]:
    files = sorted(path.name for path in folder.glob("*.c"))
    name = Path(files[0]).stem if len(files) == 1 else _name("", folder)
    rest = f"""
app:
  from: local                 # this directory
  path: .
  build: $CC -Os -static -o {name} {" ".join(files)}
  artifacts:
    - {name}:/{name}          # what the build leaves, and where it goes in the guest

rootfs:
  type: initrd                # one archive, which the kernel unpacks into memory

cmd: ["/{name}"]
"""
    return rest, "a C program in a virtual machine"


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("dockerfile", "a Dockerfile", lambda f: (f / "Dockerfile").is_file(), _dockerfile),
        Kind("go", "a Go module", lambda f: (f / "go.mod").is_file(), _go),
        Kind("rust", "a Rust crate", lambda f: (f / "Cargo.toml").is_file(), _rust),
        Kind("node", "a Node.js package", lambda f: (f / "package.json").is_file(), _node),
        Kind(
            "ocaml",
            "a MirageOS unikernel",
            lambda f: any((f / name).is_file() for name in ("config.ml", "dune-project")),
            _mirage,
            _MIRAGE,
        ),
        Kind(
            "makefile.uk",
            "a Unikraft library",
            lambda f: (f / "Makefile.uk").is_file(),
            _unikraft,
            _UNIKRAFT,
        ),
        Kind("make", "a Makefile's", lambda f: (f / "Makefile").is_file(), _make),
        Kind("c", "C", lambda f: any(f.glob("*.c")), _c),
    )
}
"""Kinds of projects by name; a directory is of the first that it shows."""


# --- questions ---


def _ask(what: str, default: str, known: Mapping[str, Kind], given: str | None) -> str:
    if given is not None:
        return given
    while True:
        answer = input(f"{what}? ({', '.join(known)}) [{default}] ").strip() or default
        if answer in known:
            return answer


def _ask_port() -> int | None:
    while True:
        answer = input("Which port does it listen on? [none] ").strip()
        if not answer or answer == "none":
            return None
        try:
            return port_number(answer)
        except ValueError as error:
            print(error)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _name(said: str, folder: Path) -> str:
    """A file's name for the program: the last part of what it is called, or the directory's."""
    last = re.sub(r"/v\d+$", "", said).rpartition("/")[2] or folder.resolve().name
    return re.sub(r"[^A-Za-z0-9._-]", "-", last).strip(".-") or "app"


def _is_old(file: Path) -> bool:
    return re.search(r"^version:\s*['\"]?v?0\.", _text(file), re.MULTILINE) is not None
