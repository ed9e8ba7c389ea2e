"""Kinds of projects that `hutch init` knows, and what each becomes in a bunnyfile.

    kind = found(folder)                       the first of KINDS that the directory shows
    made = kind.write(folder, FIRST[name])     made.text without its head, made.summary, made.notes

What a project says of itself is read from its own files, and never run. What they do not say is
guessed and noted, or an OSError.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frameworks.first import FIRST, First
from frontend.cli import kraftfile, makefile


@dataclass(frozen=True, slots=True)
class Made:
    """A bunnyfile's text behind its head, a line of what it is, and what its author has to know."""

    text: str
    summary: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of project: how it is called, what shows it, and what makes its bunnyfile.

    `write` is given the directory and what is said of one of `frameworks`, and raises OSError
    where the project has no program. `starts` are the files of a first program, by their paths.
    """

    name: str
    about: str
    shows: Callable[[Path], bool]
    write: Callable[[Path, First], Made]
    starts: Mapping[str, str] = field(default_factory=dict)

    @property
    def frameworks(self) -> tuple[str, ...]:
        """What it can run on, the default first."""
        return tuple(name for name, runs in FIRST.items() if self.name in runs.languages)


def found(folder: Path, framework: str | None = None) -> Kind | None:
    """What a directory has: the first kind that is for the framework, or the first of all."""
    shown = [kind for kind in KINDS.values() if kind.shows(folder)]
    fitting = [kind for kind in shown if framework is None or framework in kind.frameworks]
    return next(iter(fitting or shown), None)


def start(kind: Kind, folder: Path) -> list[Path]:
    """Write those files of a kind's first program that are not there; returns where."""
    files = [folder / path for path in kind.starts if not (folder / path).exists()]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(kind.starts[file.relative_to(folder).as_posix()], encoding="utf-8")
    return files


def others(folder: Path) -> list[str]:
    """What else is there that hutch knows, in words: build files of other tools, plain OCaml."""
    said = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.name == "bunnyfile":
            continue
        if path.name in kraftfile.FILES:
            said.append(f"{path.name} is kraft's: `hutch migrate {shlex.quote(str(path))}`")
        elif "bunny" in path.name.lower() and is_old(path):
            place = shlex.quote(str(path))
            said.append(f"{path.name} is a bunnyfile of version v0.1: `hutch migrate {place}`")
    if (folder / "dune-project").is_file() and not _is_mirage(folder):
        said.append(
            "its OCaml program is none for MirageOS (no 'Mirage' in a config.ml, no 'solo5' in a "
            "dune file): a Dockerfile can build it for Linux"
        )
    return said


def is_old(file: Path) -> bool:
    """Whether it is a bunnyfile of version v0.1, by its own word."""
    return re.search(r"^version:\s*['\"]?v?0\.", _text(file), re.MULTILINE) is not None


def name_of(said: str, folder: Path) -> str:
    """A file's name for the program: the last part of what it is called, or the directory's."""
    last = re.sub(r"/v\d+$", "", said).rpartition("/")[2] or folder.resolve().name
    return re.sub(r"[^A-Za-z0-9._-]", "-", last).strip(".-") or "app"


# --- what they become ---


def _dockerfile(folder: Path, runs: First) -> Made:
    del runs
    name = next(name for name in _DOCKERFILES if (folder / name).is_file())
    rest = f"""
rootfs:
  from: dockerfile            # what the Dockerfile builds is the guest's root filesystem
  {f"dockerfile: {name}":<25} # its ENV, USER, WORKDIR, ENTRYPOINT and CMD are kept
  type: block                 # one disk image
"""
    return Made(rest, f"a {name} as a virtual machine")


def _go(folder: Path, runs: First) -> Made:
    text = re.sub(r"//.*", "", _text(folder / "go.mod"))
    module = re.search(r"^\s*module\s+[\"`]?([^\s\"`]+)", text, re.MULTILINE)
    package = "."
    notes: tuple[str, ...] = ()
    if not _is_main(folder):
        programs = [path.name for path in sorted(folder.glob("cmd/*")) if _is_main(path)]
        if programs:
            package, notes = f"./cmd/{programs[0]}", _chosen(programs)
        else:
            raise OSError(
                f"'{folder}' is a Go module without a program: there is no 'package main' in it, "
                "nor in a directory of cmd/"
            )
    name = name_of(package.strip(".") or (module[1] if module else ""), folder)
    needs = re.search(r"^\s*require\b", text, re.MULTILINE)
    built = _free(folder, name)
    rest = _program(
        runs,
        packages="golang-go",
        sysroot=False,
        fetch="go mod download" if needs else "",
        build=f"go build -trimpath -buildvcs=false -ldflags=-s -o {built} {shlex.quote(package)}",
        built=built,
        name=name,
    )
    return Made(rest, "a Go program in a virtual machine", notes)


def _rust(folder: Path, runs: First) -> Made:
    about = _toml(folder / "Cargo.toml")
    place, package = folder, ""
    notes: tuple[str, ...] = ()
    members = [] if "package" in about else list(_members(folder, about))
    if "package" not in about:
        able = [path for path in members if _programs(path)]
        if not able:
            raise OSError(f"'{folder / 'Cargo.toml'}' is a workspace, and no member has a program")
        place, notes = able[0], _chosen([path.relative_to(folder).as_posix() for path in able])
        package = f" --package {_toml(place / 'Cargo.toml')['package']['name']}"
    programs = _programs(place)
    if not programs:
        raise OSError(f"'{place}' is a Rust library: it has no src/main.rs and no [[bin]]")
    name = programs[0]
    notes += _chosen(programs)
    tables = [about, *(_toml(path / "Cargo.toml") for path in members)]
    rest = _program(
        runs,
        packages="cargo",
        fetch="cargo fetch" if any(map(_has_crates, tables)) else "",
        build='export RUSTFLAGS="-C target-feature=+crt-static"\n'
        f"cargo build --release --offline{package} --bin {name}\n"
        f'cp "target/$CARGO_BUILD_TARGET/release/{name}" {_free(folder, name)}',
        built=_free(folder, name),
        name=name,
    )
    return Made(rest, "a Rust program in a virtual machine", notes)


def _node(folder: Path, runs: First) -> Made:
    del runs
    words = _node_words(folder, about := _json(folder / "package.json"))
    needs = about.get("dependencies") or about.get("optionalDependencies")
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
cmd: [{", ".join(map(_quoted, ("/usr/bin/node", *words)))}]
"""
    return Made(rest, "a Node.js program in a virtual machine")


def _mirage(folder: Path, runs: First) -> Made:
    del runs
    rest = _LINKED
    if (folder / "config.ml").is_file() and not (folder / "dist" / "dune").is_file():
        rest += """\
  # packages: [libgmp-dev]    # Debian's, where a library links to one
  # options: {net: direct}    # keys of config.ml, as mirage configure takes them
"""
    return Made(rest, "a MirageOS unikernel")


def _unikraft(folder: Path, runs: First) -> Made:
    del folder, runs
    rest = f"""\
{_LINKED}  # libraries: [musl, lwip]   # a C library, and the network
"""
    return Made(rest, "a Unikraft unikernel")


def _make(folder: Path, runs: First) -> Made:
    file = next(name for name in makefile.FILES if (folder / name).is_file())
    made = makefile.program(_text(folder / file))
    notes: tuple[str, ...] = ()
    built = made.file
    if built is None:
        built = name_of("", folder)
        notes = (f"{file} does not say plainly what it makes: '{built}' is a guess, in two places",)
    if made.compilers:
        notes += (
            f"{file} calls {' and '.join(made.compilers)} by name: with $(CC) in that place the "
            "program is built for the guest, and statically",
        )
    name = name_of(built, folder)
    build = f'make CC="$CC{runs.static}" {shlex.quote(made.target) if made.target else ""}'.rstrip()
    rest = _program(runs, build=build, built=built, name=name, leaves="make")
    return Made(rest, "what a Makefile makes, in a virtual machine", notes)


def _c(folder: Path, runs: First) -> Made:
    files = sorted(path.name for path in folder.glob("*.c") if path.is_file())
    name = name_of(Path(files[0]).stem if len(files) == 1 else "", folder)
    # A name with a dash in front is no option of the compiler's.
    words = " ".join(shlex.quote(f"./{each}" if each[0] == "-" else each) for each in files)
    built = _free(folder, name)
    rest = _program(runs, build=f"$CC -Os{runs.static} -o {built} {words}", built=built, name=name)
    return Made(rest, "a C program in a virtual machine")


_LINKED = """
app:
  from: local                 # this directory
  path: .
"""


def _program(
    runs: First,
    *,
    build: str,
    built: str,
    name: str,
    packages: str = "",
    sysroot: bool = True,
    fetch: str = "",
    leaves: str = "the build",
) -> str:
    """The sections of a program of one file: the build leaves `built`, the guest has `/name`."""
    lines = ["", "app:", "  from: local                 # this directory", "  path: ."]
    if packages:
        lines.append(f"  {f'packages: [{packages}]':<27} # Debian's, for this build alone")
    if not sysroot and runs.sysroot:
        lines.append(f"  {runs.sysroot}")
    if fetch:
        lines.append(f"  {f'fetch: {fetch}':<27} # with the network; the build itself has none")
    lines += _script("build", build)
    lines += [
        "  artifacts:",
        f"    - {f'{built}:/{name}':<23} # what {leaves} leaves, and where it goes in the guest",
    ]
    lines += ["", "rootfs:", f"  {runs.root}", "", f'cmd: ["/{name}"]']
    return "\n".join(lines) + "\n"


def _script(key: str, text: str) -> list[str]:
    """A script, which YAML is to read as it is."""
    if not all(line.isprintable() for line in text.splitlines()):
        return [f"  {key}: {_quoted(text, script=True)}"]
    if "\n" in text or " #" in text or ": " in text:
        return [f"  {key}: |", *(f"    {line}" for line in text.split("\n"))]
    return [f"  {key}: {text}"]


def _quoted(text: str, *, script: bool = False) -> str:
    """Text between double quotes, for YAML; a dollar of a value is no argument's."""
    if not script:
        text = text.replace("$", "$$")
    # What is no UTF-8 stays, for whoever writes the file to see.
    made = (
        f"\\{char}"
        if char in '"\\'
        else char
        if char.isprintable() or 0xD800 <= ord(char) < 0xE000
        else f"\\U{ord(char):08x}"
        for char in text
    )
    return f'"{"".join(made)}"'


def _chosen(names: list[str]) -> tuple[str, ...]:
    """The note where the first of several programs is taken."""
    if len(names) < 2:
        return ()
    return (f"it has several programs ({', '.join(names)}): the file builds {names[0]}",)


def _free(folder: Path, name: str) -> str:
    """Where a build can leave its program: not in the place of a directory."""
    return f"{name}.bin" if (folder / name).is_dir() else name


# --- what they say of themselves ---

_DOCKERFILES = ("Dockerfile", "Containerfile")

_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)


def _is_main(folder: Path) -> bool:
    files = (path for path in folder.glob("*.go") if not path.name.endswith("_test.go"))
    return any(_MAIN.search(_text(path)) for path in files)


def _members(folder: Path, about: Mapping[str, Any]) -> Iterator[Path]:
    """The members of a workspace that have a package."""
    workspace = _table(about, "workspace")
    left_out = {folder / each for each in _strings(workspace, "exclude")}
    for pattern in _strings(workspace, "members"):
        for path in sorted(folder.glob(pattern)):
            file = path / "Cargo.toml"
            if path not in left_out and file.is_file() and "package" in _toml(file):
                yield path


def _programs(folder: Path) -> list[str]:
    """The programs of a crate, the one that it runs by default first (Cargo: "Binaries")."""
    about = _toml(folder / "Cargo.toml")
    package = _table(about, "package")
    crate = package.get("name")
    if not isinstance(crate, str) or not re.fullmatch(r"[\w-]+", crate):
        raise OSError(f"'{folder / 'Cargo.toml'}' does not say the package's name")
    names = [crate] if (folder / "src" / "main.rs").is_file() else []
    given = about.get("bin", [])
    names += [str(each["name"]) for each in given if isinstance(each, dict) and "name" in each]
    names += [path.stem for path in sorted(folder.glob("src/bin/*.rs"))]
    names += [path.parent.name for path in sorted(folder.glob("src/bin/*/main.rs"))]
    # A [[bin]] can give src/main.rs another name.
    if any(_table(each, "").get("path") == "src/main.rs" for each in given) and crate in names[:1]:
        names = names[1:]
    default = package.get("default-run")
    names = sorted(dict.fromkeys(names), key=lambda name: name != default)
    if any(not re.fullmatch(r"[\w-]+", name) for name in names):
        raise OSError(f"'{folder / 'Cargo.toml'}' has a program without a plain name")
    return names


def _has_crates(about: Mapping[str, Any]) -> bool:
    """Whether a Cargo.toml asks for other crates, in any of its tables."""
    keys = ("dependencies", "dev-dependencies", "build-dependencies")
    targets = [each for each in _table(about, "target").values() if isinstance(each, dict)]
    places = [about, _table(about, "workspace"), *targets]
    return any(place.get(key) for place in places for key in keys)


_DEFAULTS = ("server.js", "index.js")
"""What npm and Node.js take where nothing is said (npm: "npm start", Node.js: "Folders")."""


def _node_words(folder: Path, about: Mapping[str, Any]) -> list[str]:
    """What is behind `node` on the command line. Raises OSError where nothing says it."""
    start = _table(about, "scripts").get("start")
    if isinstance(start, str) and (words := _plain(start)) is not None:
        return words
    main = about.get("main")
    if isinstance(main, str) and main:
        return [main]
    for name in _DEFAULTS:
        if (folder / name).is_file():
            return [name]
    raise OSError(
        f"'{folder / 'package.json'}' does not say what starts: it has no 'main', no script "
        f"'start' that is `node FILE`, and there is no {' or '.join(_DEFAULTS)}"
    )


def _plain(command: str) -> list[str] | None:
    """The words behind `node`, of a command that needs no shell; None for every other."""
    if re.search(r"[$`;&|<>()*?\n]", command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    return words[1:] if len(words) > 1 and words[0] in ("node", "nodejs") else None


_DUNE = ("dune", "dune-workspace", "*/dune")
_MIRAGE = re.compile(r"\bsolo5\b|\bmirage(?:-runtime|-bootvar)?(?=[\s.)])")


def _is_mirage(folder: Path) -> bool:
    """Whether an OCaml program is a unikernel of MirageOS: by its config.ml, or its dune files."""
    if re.search(r"\bMirage\b", _text(folder / "config.ml")) or (folder / "dist/dune").is_file():
        return True
    if not (folder / "dune-project").is_file():
        return False
    files = (path for pattern in _DUNE for path in folder.glob(pattern))
    return any(_MIRAGE.search(re.sub(r";.*", "", _text(path))) for path in files)


def _json(path: Path) -> Mapping[str, Any]:
    """The object of a JSON file. Raises OSError where it is none."""
    try:
        about = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise OSError(f"'{path}' is no JSON: {error}") from None
    if not isinstance(about, dict):
        raise OSError(f"'{path}' is no JSON object")
    return about


def _toml(path: Path) -> Mapping[str, Any]:
    """The tables of a TOML file. Raises OSError where it is none."""
    try:
        about = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OSError(f"'{path}' is no TOML: {error}") from None
    if path.name == "Cargo.toml" and not about.keys() & {"package", "workspace"}:
        raise OSError(f"'{path}' has neither a [package] nor a [workspace]")
    return about


def _table(about: Any, key: str) -> Mapping[str, Any]:
    """A table of a table; an empty one where there is none. The key "" is the table itself."""
    found = about if not key else about.get(key)
    return found if isinstance(found, dict) else {}


def _strings(about: Mapping[str, Any], key: str) -> list[str]:
    found = about.get(key)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).is_file() for name in names)


_HELLO_C = """\
#include <stdio.h>

int main(void)
{
\tputs("hello");
}
"""

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "dockerfile",
            "a Dockerfile",
            _has(*_DOCKERFILES),
            _dockerfile,
            {"Dockerfile": 'FROM debian:trixie-slim\nCMD ["echo", "hello"]\n'},
        ),
        Kind(
            "go",
            "a Go module",
            _has("go.mod"),
            _go,
            {
                "go.mod": "module hello\n\ngo 1.21\n",
                "main.go": 'package main\n\nfunc main() {\n\tprintln("hello")\n}\n',
            },
        ),
        Kind(
            "rust",
            "a Rust crate",
            _has("Cargo.toml"),
            _rust,
            {
                "Cargo.toml": '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n',
                "src/main.rs": 'fn main() {\n    println!("hello");\n}\n',
            },
        ),
        Kind(
            "node",
            "a Node.js package",
            _has("package.json"),
            _node,
            {
                "package.json": '{\n  "main": "index.js"\n}\n',
                "index.js": 'console.log("hello");\n',
            },
        ),
        Kind("ocaml", "a MirageOS unikernel", _is_mirage, _mirage),
        Kind("makefile.uk", "a Unikraft library", _has("Makefile.uk"), _unikraft),
        Kind(
            "make",
            "a Makefile's",
            _has(*makefile.FILES),
            _make,
            {"Makefile": "hello: hello.c\n\t$(CC) -Os -o $@ hello.c\n", "hello.c": _HELLO_C},
        ),
        Kind(
            "c",
            "C",
            lambda folder: any(path.is_file() for path in folder.glob("*.c")),
            _c,
            {"hello.c": _HELLO_C},
        ),
    )
}
"""Kinds of projects by name; a directory is of the first that it shows."""
