"""Boot an image's guest under QEMU as urunc would: `python3 -m frontend.images.boot REF`.

The image is read from its registry; what its annotations, labels or `/urunc.json` say decides
everything (`frameworks.runtime`). As under urunc, the image's files are in a tree of their own with
their own owners and modes, and the monitor runs as the container's user: what that user may not
open, the guest does not get. (For that, this must run as root; as another user QEMU runs as that
user, and what urunc's could not open is an error.) The guest's serial port is the output, and its
end is the command's.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TextIO

from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Files, Machine, NotBootable
from frontend.images.layers import Tree
from frontend.images.registry import Image, Repository, decode
from llb import Platform

_RESET = re.compile(r"\x1bc(?:\x1b\[[0-9;?]*[A-Za-z])*")
"""How the firmware clears the screen, before it and when it is done; a terminal would obey."""

SOURCES = ("annotations", "labels", os.path.basename(RUNTIME.file))

FAILED = 125
"""The status of a guest that stopped before its command had one: a panic."""

_END = re.compile(
    r"hutch-init: exit status (?P<status>\d+)$"
    r"|(?:^|\[ *\d+\.\d+\] )Kernel panic - not syncing: (?P<panic>.*)$"
    r"|^panic: (?P<bsd>.*)$",
    re.MULTILINE,
)
"""How a guest ends: hutch's init says the command's status; Linux and the BSDs panic."""

_KILLED_INIT = re.compile(r"Attempted to kill init! exitcode=0x([0-9a-f]{8})")


class NotInstalled(Exception):
    """A monitor that this machine lacks; the message says which package has it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a boot ended: what the guest printed, QEMU's exit status, the time in seconds.

    `machine` is None when the time ran out and the machine was stopped. urunc passes on no other
    status: QEMU ends with 0 also after a panic.
    """

    output: str
    machine: int | None
    seconds: float

    @property
    def status(self) -> int | None:
        """The command's exit status as the guest told it, for who wants to know whether it worked.

        None when the time ran out, QEMU's own when it failed, `FAILED` after a panic. A first
        process that ended (`init: none`) is a panic, too, of which its status is known. 0 for a
        guest that ended the machine and said nothing.
        """
        if self.machine != 0:
            return self.machine
        ends = list(_END.finditer(self.output))
        if not ends:
            return 0
        end = ends[-1]  # a command can print anything before
        if end["status"] is not None:
            return int(end["status"])
        if killed := _KILLED_INIT.match(end["panic"] or ""):
            code = int(killed[1], 16)
            return (code >> 8 & 0xFF) or (128 + (code & 0x7F) if code & 0x7F else FAILED)
        return FAILED


@dataclass(frozen=True, slots=True)
class User:
    """Who a process runs as: numbers, with the further groups."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


class Guest:
    """A running virtual machine; leaving its `with` block stops it."""

    def __init__(
        self, command: Sequence[str], echo: TextIO | None = None, user: User | None = None
    ) -> None:
        """Start `command`, as `user` if one is given, which needs root. Raises NotInstalled."""
        self.command = tuple(command)
        self._echo = echo
        self._parts: list[bytes] = []
        self._grew = threading.Condition()
        self._ended = False
        self._start = time.monotonic()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else user.groups,
            )
        except FileNotFoundError:
            has = next(
                (m for m in RUNTIME.monitors.values() if command[0].startswith(m.name)), None
            )
            packages = " ".join(has.packages) if has is not None else ""
            hint = f": apt-get install {packages}" if packages else ""
            raise NotInstalled(f"{command[0]} is not installed{hint}") from None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def output(self) -> str:
        """What the guest, or QEMU itself, has printed so far."""
        with self._grew:
            return plain(b"".join(self._parts))

    @property
    def ended(self) -> bool:
        """Whether the machine has ended, and all that it printed is in `output`."""
        with self._grew:
            return self._ended

    def wait_for(self, text: str, timeout: float) -> None:
        """Wait until the guest has printed `text`. Raises TimeoutError with what it did print."""
        deadline = time.monotonic() + timeout
        with self._grew:
            while text not in self.output:
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    raise TimeoutError(f"the guest never printed {text!r}:\n{self.output}")
                self._grew.wait(left)

    def wait(self, timeout: float) -> Outcome:
        """Wait until the machine ends, or stop it after `timeout` seconds."""
        status: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(timeout)
        self.stop()
        return Outcome(self.output, status, time.monotonic() - self._start)

    def stop(self) -> None:
        """End the machine, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            with self._grew:
                self._parts.append(piece)
                self._grew.notify_all()
            if self._echo is not None:
                self._echo.write(plain(piece))
                self._echo.flush()
        with self._grew:
            self._ended = True
            self._grew.notify_all()


def contract(
    image: Image,
    tree: Tree,
    source: str | None = None,
    *,
    version: str = "",
    user: str | None = None,
) -> Contract:
    """What `image` tells the runtime, from one of `SOURCES` or, as that does, from all of them.

    `version` is the runtime's, "" for the newest; `user` replaces the image's, as `docker run -u`
    does. Raises NotBootable for none.
    """
    annotations, labels = RUNTIME.short(image.annotations), RUNTIME.short(image.labels)
    raw = tree.read(RUNTIME.file)
    file = {} if raw is None else RUNTIME.short(decode(raw))
    if source is not None:
        keys = dict(zip(SOURCES, (annotations, labels, file), strict=True))[source]
    else:
        keys = RUNTIME.heard(annotations, labels, file, version)
    missing = [name for name in RUNTIME.keys.needed if not keys.get(name)]
    if missing:
        lacks = RUNTIME.prefix + missing[0]
        raise NotBootable(f"{RUNTIME.name} would run it as an ordinary container: no {lacks}")
    process = image.process
    args = (*(process.get("Entrypoint") or ()), *(process.get("Cmd") or ()))
    who = resolve(process.get("User") or "" if user is None else user, tree)
    return Contract(
        keys=keys,
        args=RUNTIME.arguments(keys, args, version),
        env=tuple(process.get("Env") or ()),
        uid=who.uid,
        gid=who.gid,
        groups=who.groups,
        workdir=process.get("WorkingDir") or "/",
    )


@contextlib.contextmanager
def running(
    ref: str,
    *,
    platform: Platform | None = None,
    machine: Machine | None = None,
    args: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    source: str | None = None,
    monitor: str | None = None,
    user: str | None = None,
    echo: TextIO | None = None,
) -> Iterator[Guest]:
    """The guest of the image `ref`, booted; it is stopped when the block is left.

    `args` replaces the image's command, `user` its user, and `env` adds to its environment, as
    `docker run` does; `monitor` is another than the image's, which can boot its kernel, too. Raises
    NotBootable, NotInstalled, or OSError where the image cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hutch-boot-") as name, Repository(ref) as repository:
        directory = Path(name)
        directory.chmod(0o755)  # the monitor's user must get in
        image = repository.image(platform)
        tree = repository.tree(image)
        machine = machine or Machine()
        said = contract(image, tree, source, version=machine.version, user=user)
        if args is not None:
            entrypoint = image.process.get("Entrypoint") or ()
            said = replace(said, args=(*entrypoint, *args))
        if env:
            said = replace(said, env=(*said.env, *(f"{k}={v}" for k, v in env.items())))
        if monitor is not None:
            said = replace(said, keys={**said.keys, RUNTIME.keys.monitor: monitor})
        chosen = replace(machine, architecture=image.platform.architecture)
        files = place(said, tree, directory, chosen)
        who: User | None = User(said.uid, said.gid, said.groups)
        if os.geteuid() != 0:
            who = None
            if refused := refusal(said, tree):
                raise NotBootable(f"{refused} (and not as root, this cannot try)")
        with Guest(RUNTIME.command(said, files, chosen), echo, who) as guest:
            yield guest


def boot(
    ref: str,
    *,
    timeout: float = 60,
    platform: Platform | None = None,
    machine: Machine | None = None,
    args: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    source: str | None = None,
    monitor: str | None = None,
    user: str | None = None,
) -> Outcome:
    """Boot the image `ref` as `running` does, and wait for its end, at most `timeout` seconds."""
    with running(
        ref,
        platform=platform,
        machine=machine,
        args=args,
        env=env,
        source=source,
        monitor=monitor,
        user=user,
    ) as guest:
        return guest.wait(timeout)


def place(said: Contract, tree: Tree, directory: Path, machine: Machine) -> Files:
    """Write the contract's files into `directory`, and the init's and the monitor's configuration.

    The image's are below `root`, at their own paths, with their owners (if this is root) and modes,
    as a container engine unpacks them; what urunc writes is root's and open to all, as urunc's is.
    """
    handed = RUNTIME.init_file(said, machine)
    root = directory / "root"
    root.mkdir()
    if said.rootfs == "share":
        tree.unpack(str(root))

    def lay(key: str) -> str | None:
        path = said.keys.get(key)
        if not path:
            return None
        return str(root / path.lstrip("/")) if said.rootfs == "share" else _lay(tree, path, root)

    kernel, initrd, block = map(lay, RUNTIME.keys.files)
    assert kernel is not None
    files = Files(kernel, initrd, block)
    if said.rootfs == "share":
        files = replace(files, share=str(root))
    if handed is not None:
        if said.rootfs == "initrd" and initrd is not None:
            with open(initrd, "ab") as out:
                out.write(b"\0" * (-out.tell() % 4) + handed)
        else:
            config = directory / "init.conf"
            config.write_bytes(handed)
            config.chmod(0o644)
            files = replace(files, config=str(config))
    monitor = RUNTIME.monitors.get(said.monitor)
    if monitor is not None and monitor.configuration is not None:
        files = replace(files, monitor=str(directory / "monitor.json"))
        Path(files.monitor).write_text(monitor.configuration(said, files, machine))
        Path(files.monitor).chmod(0o644)
    return files


def refusal(said: Contract, tree: Tree) -> str | None:
    """Why the monitor, as the contract's user, could not open one of its files; None if it can.

    It reads the kernel and the initrd, and opens the disk image for writing, too: urunc asks for
    no disk that is read-only.
    """
    for key, wanted in zip(RUNTIME.keys.files, ("r", "r", "rw"), strict=True):
        path = said.keys.get(key)
        if not path:
            continue
        for parent in reversed(PurePosixPath(path).parents):
            if str(parent) in tree and not _may(said, tree.stat(str(parent)), "x"):
                return f"user {said.uid} may not enter {parent}, which has {path}"
        info = tree.stat(path)
        if not _may(said, info, wanted):
            verb = {"r": "read", "rw": "write"}[wanted]
            mode = stat.S_IMODE(info.mode)
            return f"user {said.uid} may not {verb} {path}, of {info.uid}:{info.gid} with {mode:o}"
    return None


def _may(said: Contract, info: tarfile.TarInfo, wanted: str) -> bool:
    """Whether a file's owner and mode let the contract's user do each of `wanted`."""
    if said.uid == 0:
        return True
    shift = 0
    if info.uid == said.uid:
        shift = 6
    elif info.gid in (said.gid, *said.groups):
        shift = 3
    bits = sum({"r": 4, "w": 2, "x": 1}[each] for each in wanted)
    return (info.mode >> shift) & bits == bits


def _lay(tree: Tree, path: str, root: Path) -> str:
    """Write the file `path` of the image below `root`, after the directories that it is in."""
    for parent in [str(each) for each in reversed(PurePosixPath(path).parents)][1:]:
        to = root / parent.lstrip("/")
        if not to.is_dir():
            to.mkdir()
            if parent in tree:
                _own(to, tree.stat(parent))
    to = root / path.lstrip("/")
    tree.save(path, str(to))
    _own(to, tree.stat(path))
    return str(to)


def _own(path: Path, info: tarfile.TarInfo) -> None:
    if os.geteuid() == 0:
        os.chown(path, info.uid, info.gid)
    path.chmod(stat.S_IMODE(info.mode))


def plain(data: bytes) -> str:
    """What a console printed, as text that a terminal does not obey, with plain ends of lines."""
    return _RESET.sub("\n", data.decode(errors="replace")).replace("\r\n", "\n")


def resolve(text: str, tree: Tree) -> User:
    """A config's `User` in numbers, looked up in the image as Docker and containerd do.

    A user without a group has the one of `/etc/passwd`, or 0, and those that `/etc/group` lists it
    in. Raises NotBootable for a name that is not there.
    """
    name, _, group = text.partition(":")
    name = name or "0"
    known = _lines(tree, "/etc/passwd")
    found = next((line for line in known if line[0] == name), None)
    if found is None and name.isdigit():
        found = next((line for line in known if len(line) > 3 and line[2] == name), None)
    if found is None and not name.isdigit():
        raise NotBootable(f"the image's /etc/passwd does not know '{name}'")
    uid = int(found[2]) if found else int(name)
    groups = _lines(tree, "/etc/group")
    if group:
        named = next((line for line in groups if line[0] == group), None)
        if named is None and not group.isdigit():
            raise NotBootable(f"the image's /etc/group does not know '{group}'")
        gid = int(named[2]) if named else int(group)
        return User(uid, gid, (gid,))
    gid = int(found[3]) if found else 0
    more = [int(line[2]) for line in groups if found and found[0] in line[-1].split(",")]
    return User(uid, gid, tuple(dict.fromkeys((gid, *more))))


def _lines(tree: Tree, file: str) -> list[list[str]]:
    return [line.split(":") for line in (tree.read(file) or b"").decode().splitlines() if line]


def _forward(text: str) -> tuple[int, int]:
    host, _, guest = text.partition(":")
    return int(host), int(guest or host)


def main(arguments: Sequence[str] | None = None) -> int:
    """Boot one image; the status is the command's in the guest.

    QEMU's where it failed, `FAILED` after a panic, 124 when the time ran out, 1 for what cannot be
    booted.
    """
    parser = argparse.ArgumentParser(
        prog="frontend.images.boot", description="Boot an image's guest under QEMU as urunc would."
    )
    parser.add_argument("ref", help="an image, such as localhost:5000/hello:1")
    parser.add_argument("args", nargs="*", help="a command in place of the image's own")
    parser.add_argument("--platform", type=Platform.parse, help="such as linux/arm64")
    parser.add_argument("--timeout", type=float, default=60, help="in seconds (60)")
    parser.add_argument("--memory", type=int, default=256, help="in MiB (256)")
    parser.add_argument("--network", action="store_true", help="give the guest a network")
    parser.add_argument(
        "-p", dest="ports", type=_forward, action="append", default=[], metavar="HOST:GUEST",
        help="forward a port of this host; implies --network",
    )  # fmt: skip
    parser.add_argument("-e", dest="env", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--source", choices=SOURCES, help="read the keys from there alone")
    parser.add_argument("--monitor", help="another than the image's, such as qemu")
    parser.add_argument("-u", dest="user", help="another user than the image's, as docker run -u")
    parser.add_argument(
        "--urunc",
        choices=RUNTIME.versions,
        default="",
        help=f"as this one does it ({RUNTIME.newest})",
    )
    parser.add_argument("--kvm", action="store_true", help="use the processor, as urunc does")
    options = parser.parse_args(arguments)
    machine = Machine(
        memory=options.memory,
        network=options.network or bool(options.ports),
        forwards=dict(options.ports),
        kvm=options.kvm,
        version=options.urunc,
    )
    env = dict(entry.partition("=")[::2] for entry in options.env)
    try:
        with running(
            options.ref,
            platform=options.platform,
            machine=machine,
            args=options.args or None,
            env=env,
            source=options.source,
            monitor=options.monitor,
            user=options.user,
            echo=sys.stdout,
        ) as guest:
            outcome = guest.wait(options.timeout)
    except (NotBootable, NotInstalled, OSError) as error:
        print(f"boot: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if outcome.status is None:
        print(f"\nboot: stopped after {options.timeout:g} seconds", file=sys.stderr)
        return 124
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
