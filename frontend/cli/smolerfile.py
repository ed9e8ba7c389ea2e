"""A SMOLerfile of smolBSD as a bunnyfile, as far as it goes.

A SMOLerfile looks like a Dockerfile and is read by smolBSD's own script (NetBSDfr/smolBSD,
smoler/build.sh): FROM names sets of a NetBSD release, some labels are settings, INCLUDE takes
another file in, and RUN runs in NetBSD. A build of hutch runs on Linux, so what RUN does has no
place in one: each is noted at its line, as is everything else that has no counterpart.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from frameworks.architectures import AMD64
from frameworks.runtime import monitors
from frontend.cli.translation import EMPTY, Translation

_SETS = "https://cdn.netbsd.org/pub/NetBSD/NetBSD-11.0/amd64/binary/sets"
"""NetBSD's own server; those of amd64 are .tar.xz (smolBSD: Makefile, SETSEXT)."""

_FRAMEWORK = "netbsd"

_ENVIRONMENT = {
    "HOME": "/",
    "PATH": "/sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/bin:/usr/pkg/sbin",
    "TERM": "dumb",
}
"""What smolBSD gives every service (service/common/basicrc)."""

_OWN = re.compile(rb"^\s*(LABEL\s+[\"']?smolbsd\.|INCLUDE\s)", re.MULTILINE)
_FROM = re.compile(rb"^FROM\s+(base|rescue)(,|\s*$)", re.MULTILINE)
_HEREDOC = re.compile(r"<<-?\s*([\"']?)([A-Za-z_]\w*)\1")
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAME = re.compile(r"[A-Za-z_]\w*")
_PACKAGES = re.compile(r"\bpkgin\b[^&|;]*?\b(?:in|install)\s+([^&|;]+)")
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Instruction:
    """A line with what continues it: its file, its number, its word and what follows."""

    file: str
    line: int
    word: str
    rest: str


def is_smolerfile(name: str, data: bytes) -> bool:
    """Whether a Dockerfile is one of smolBSD's."""
    base = os.path.basename(name)
    named = base.startswith("SMOLerfile") or base.endswith(".smol")
    return named or bool(_OWN.search(data) or _FROM.search(data))


def translate(name: str, data: bytes) -> Translation:
    """The bunnyfile of a SMOLerfile."""
    smol = _Smol(Translation(os.path.basename(name)))
    for each in instructions(os.path.basename(name), data.decode("utf-8", "replace")):
        smol.take(each, os.path.dirname(name))
    return smol.translated()


def instructions(file: str, text: str) -> Iterator[Instruction]:
    """The instructions of a file; of a RUN with a document (`<<EOF`) the document, too."""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts = [stripped.removesuffix("\\").rstrip()]
        while stripped.endswith("\\"):
            _, line = next(lines, (0, ""))
            stripped = line.strip()
            if not stripped.startswith("#"):
                parts.append(stripped.removesuffix("\\").rstrip())
            elif not stripped.endswith("\\"):
                stripped = "\\"  # a comment between the lines of an instruction ends none
        said = " ".join(filter(None, parts))
        word, _, rest = said.replace("\t", " ").partition(" ")
        if word == "RUN" and (heredoc := _HEREDOC.search(rest)):
            for _, line in lines:
                if line.strip() == heredoc[2]:
                    break
        yield Instruction(file, number, word.upper(), rest.strip())


class _Smol:
    """One file on its way."""

    def __init__(self, made: Translation) -> None:
        self.made = made
        self.args: dict[str, Any] = {}
        self.envs: dict[str, str] = {}
        self.rootfs: dict[str, Any] = {"type": "block", "filesystem": "ext2"}
        self.include: list[Any] = []
        self.settings: dict[str, Any] = {}
        self.labels: dict[str, str] = {}
        self.ports: list[str] = []
        self.run: list[str] = []
        self.inside: tuple[str, ...] = ()

    def take(self, said: Instruction, directory: str) -> None:
        """Take one instruction; `directory` is that of the file, for INCLUDE."""
        known: dict[str, Callable[[Instruction], None]] = {
            "FROM": self._from,
            "LABEL": self._label,
            "ARG": self._arg,
            "ENV": self._env,
            "RUN": self._run,
            "COPY": self._copy,
            "ADD": self._copy,
            "EXPOSE": self._expose,
            "VOLUME": self._volume,
            "CMD": self._command,
            "ENTRYPOINT": self._command,
        }
        if said.word == "INCLUDE":
            self._included(said, directory)
        elif said.word == "WORKDIR":
            self.settings["workdir"] = self._value(said, said.rest)
        elif said.word == "USER":
            self.settings["user"] = self._value(said, said.rest)
        elif said.word in known:
            known[said.word](said)
        else:
            self._note(said, "a bunnyfile has nothing of the kind")

    def translated(self) -> Translation:
        """The whole."""
        made, put = self.made, self.made.put
        put("args", self.args)
        put(
            "platforms",
            dict(framework=_FRAMEWORK, monitor=monitors.QEMU.name, architecture=AMD64.cpu),
            "No released urunc starts NetBSD guests yet: `hutch run` does.",
        )
        put("kernel", {"from": "source"}, "or netbsd-SMOL: {from: local, path: netbsd-SMOL}")
        put("rootfs", {**self.rootfs, "include": self.include} if self.include else self.rootfs)
        put("envs", {**_ENVIRONMENT, **self.envs})
        if (user := self.settings.get("user")) not in (None, "root"):
            put("user", user, "It has to be in /etc/passwd of the files above, or write a number.")
        for key in ("workdir", "volumes"):
            put(key, self.settings.get(key))
        put("ports", self.ports)
        put("labels", self.labels)
        put("cmd", self.settings.get("cmd"), *self.run)
        return made

    # --- the instructions ---

    def _from(self, said: Instruction) -> None:
        for each in said.rest.split(","):
            name, _, glob = each.strip().partition(":")
            if not _NAME.fullmatch(name):
                self._note(said, f"{name}: name the sets that it was made of")
                continue
            self.args.setdefault("SETS", _SETS)
            pin = f"{name.upper()}_SHA256"
            self.args.setdefault(pin, EMPTY)
            source = glob or "/"
            folder = posixpath.dirname(source) + "/" if "*" in source else source
            self.include.append(
                {
                    "from": f"${{SETS}}/{name}.tar.xz",
                    "sha256": f"${{{pin}}}",
                    "source": source,
                    "destination": folder.replace("//", "/"),
                }
            )
        self.made.note(
            said.line,
            "FROM",
            "name the sums that NetBSD publishes beside its sets: --build-arg BASE_SHA256=...",
            said.file,
        )

    def _label(self, said: Instruction) -> None:
        for key, value in self._pairs(said):
            setting = key.removeprefix("smolbsd.")
            if key == setting and key not in ("service",):
                self.labels[key] = self._value(said, value)
            elif setting == "service":
                self.labels["org.opencontainers.image.title"] = self._value(said, value)
            elif setting == "imgsize":
                self.rootfs["size"] = f"{value}M"
            elif setting == "minimize":
                if "size" not in self.rootfs:
                    continue  # a disk is as large as its files need
                self._note(said, "the disk has the size that is named; without one it is minimal")
            elif setting == "publish":
                for pair in value.split(","):
                    self._port(pair.rpartition(":")[2])
                    self.run.append(f"hutch run -p {pair}")
            elif setting == "use_pty":
                self.run.append("hutch run -it: the service wants a terminal")
            elif setting == "addpkgs":
                self._note(said, f"{value}: {_PACKAGE}")
            else:
                self._note(said, f"{key}: a bunnyfile has nothing of the kind")

    def _arg(self, said: Instruction) -> None:
        name, equals, value = said.rest.partition("=")
        if not _NAME.fullmatch(name):
            self._note(said, "it has no name")
            return
        if "$(" in value or "`" in value:
            self._note(said, f"{name}: its default is a command's output, so it has none here")
            equals = ""
        self.args[name] = self._value(said, _unquoted(value)) if equals else EMPTY

    def _env(self, said: Instruction) -> None:
        for key, value in self._pairs(said):
            resolved = self._value(said, value)
            self.envs[key] = resolved

    def _run(self, said: Instruction) -> None:
        packages = [
            word
            for found in _PACKAGES.finditer(said.rest)
            for word in found[1].split()
            if not word.startswith("-")
        ]
        if packages:
            self._note(said, f"{' '.join(packages)}: {_PACKAGE}")
        else:
            self._note(said, "nothing of NetBSD runs in a build: use app.build, or bring files")

    def _copy(self, said: Instruction) -> None:
        words = _words(said.rest)
        more: dict[str, Any] = {}
        while words and words[0].startswith("--"):
            flag, _, value = words.pop(0)[2:].partition("=")
            if flag == "chown" and re.fullmatch(r"\d+:\d+", value):
                more["owner"] = value
            elif flag == "chmod" and re.fullmatch(r"0?[0-7]{3}", value):
                more["mode"] = value
            else:
                self._note(said, f"--{flag}={value}: write numbers with owner and mode")
        *sources, to = words or [""]
        to = posixpath.join("/", str(self.settings.get("workdir", "/")), self._value(said, to))
        for source in sources:
            if "://" in source:
                self._note(said, f"{source}: fetch it in app.fetch, or add it to the build context")
                continue
            each = {"source": self._value(said, source).lstrip("/"), "destination": to, **more}
            self.include.append(each if more else f"{each['source']}:{to}")

    def _expose(self, said: Instruction) -> None:
        for word in said.rest.split():
            if ":" in word:
                self.run.append(f"hutch run -p {word}")
            self._port(word.rpartition(":")[2])

    def _volume(self, said: Instruction) -> None:
        words = json.loads(said.rest) if said.rest.startswith("[") else said.rest.split()
        volumes = self.settings.setdefault("volumes", [])
        volumes += [posixpath.join("/", self._value(said, str(each))) for each in words]
        self.run.append("hutch run -v NAME:PATH for each volume")

    def _command(self, said: Instruction) -> None:
        words: list[str]
        try:
            words = [str(each) for each in json.loads(said.rest)]
        except ValueError:
            words = ["/bin/sh", "-c", said.rest]
        self.settings["cmd"] = [self._words_of_guest(word) for word in words]

    def _included(self, said: Instruction, directory: str) -> None:
        name = said.rest.split()[-1] if said.rest else ""
        # smolBSD looks from the top of its own tree, which has its SMOLerfiles in a folder.
        places = [os.path.join(directory, os.pardir, name), os.path.join(directory, name)]
        places.append(os.path.join(directory, os.path.basename(name)))
        path = next((each for each in places if os.path.isfile(each)), None)
        if path is None or path in self.inside:
            self._note(said, f"'{name}' is not there")
            return
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8", "replace")
        self.inside = (*self.inside, path)
        for each in instructions(name, text):
            self.take(each, directory)
        self.inside = self.inside[:-1]

    # --- what they are made of ---

    def _note(self, said: Instruction, advice: str) -> None:
        self.made.note(said.line, said.word, advice, said.file)

    def _port(self, port: str) -> None:
        if port.isdecimal() and f"{port}/tcp" not in self.ports:
            self.ports.append(f"{port}/tcp")

    def _pairs(self, said: Instruction) -> Iterator[tuple[str, str]]:
        """`KEY=VALUE ...`, or the old `KEY VALUE`."""
        words = _words(said.rest)
        if words and "=" not in words[0]:
            yield words[0], " ".join(words[1:])
            return
        for word in words:
            key, _, value = word.partition("=")
            yield key, value

    def _value(self, said: Instruction, text: str) -> str:
        """A text as a bunnyfile has it: arguments by their names, other variables filled in."""

        def one(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            if name in self.args:
                return f"${{{name}}}"
            if (known := {**_ENVIRONMENT, **self.envs}.get(name)) is not None:
                return known
            self._note(said, f"${name} is known only in the guest: nothing stands there")
            return ""

        return _REFERENCE.sub(one, text)

    def _words_of_guest(self, text: str) -> str:
        """A word of the command: arguments are filled in by the build, the rest by the guest."""

        def one(found: re.Match[str]) -> str:
            name = found[1] or found[2]
            return f"${{{name}}}" if name in self.args else "$" + found[0]

        return _REFERENCE.sub(one, text)


_PACKAGE = "a package goes into rootfs.packages, which brings what it needs as well"


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
