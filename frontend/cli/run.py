"""`hutch run IMAGE`: boot an image here as urunc would, its console on the terminal."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import re
import shlex
import signal
import socket
import sys
import tempfile
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Forward, Machine, NotBootable
from frontend.cli import complain, reason
from frontend.cli.console import Console, Keyboard, plain
from frontend.cli.options import add_platform, port_number, value
from frontend.cli.options import parser as make
from frontend.images import boot, find, kvm
from frontend.images.layout import is_layout
from frontend.images.oci import Images
from frontend.images.volumes import Binding

_KEPT = 1 << 16
"""How many bytes of output are kept to find the guest's status in."""
_KVM_BROKE = b"KVM internal error"
_GDB = 1234

NOT_STARTED = boot.FAILED
TIMED_OUT = 124


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "run",
        """
        The image is looked for as by `docker run`: among Docker's own, then in its registry; an OCI
        layout and an archive that Docker saved are read where they are, and a build file or its
        directory is built first, as by `hutch build`. The guest sees what urunc
        would show it, on KVM where this machine can and on QEMU's translation else. Ctrl-C ends it.
        A port that QEMU's user network forwards is for trying, not for load: it takes connections
        one at a time, and of a hundred at once some are never answered. As root, `--network tap`
        gives the guest a tap device, as urunc does, in a network of its own that has nothing but
        this machine's end and the forwarded ports.
        """,
        examples=(
            "hutch run localhost:5000/hello:1",
            "hutch run bunnyfile",
            "hutch run -p 8080:80 -m 512m -v data:/var/lib/redis localhost:5000/redis:1",
            "hutch run -it localhost:5000/box:1 /bin/sh",
        ),
        statuses={
            0: "the guest's command ended with 0",
            1: "its own status, as any other; or the image could not be read or built",
            124: "the time of --timeout ran out",
            125: "the guest could not be started, or its kernel panicked",
            130: "Ctrl-C",
            143: "it was told to end",
        },
    )
    made.usage = "hutch run [OPTION ...] IMAGE [COMMAND ...]"
    made.add_argument(
        "image", metavar="IMAGE", help="a name, an OCI layout, a saved image, a build file"
    )
    command = made.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="in the place of the image's own, with its arguments",
    )
    command.required = False  # argparse would list it as missing beside IMAGE
    process = made.add_argument_group("as docker run has them")
    add = process.add_argument
    add(
        "-p", "--publish", type=published, action="append", default=[], metavar="[IP:]HOST:GUEST",
        help="forward a port of this machine; of 127.0.0.1 unless an address is given",
    )  # fmt: skip
    add(
        "-e", "--env", type=variable, action="append", default=[], metavar="NAME[=VALUE]",
        help="a variable",
    )  # fmt: skip
    add("--env-file", action="append", default=[], metavar="FILE", help="variables, a line each")
    add(
        "-v", "--volume", type=value(Binding.parse), action="append", default=[],
        metavar="[SOURCE:]PATH[:ro]", help="a volume by its name, a disk image or a directory",
    )  # fmt: skip
    add("-m", "--memory", type=memory, default=RUNTIME.memory, metavar="SIZE", help="256m, 1g")
    add("-u", "--user", metavar="USER[:GROUP]", help="another than the image's")
    add("-w", "--workdir", type=absolute, metavar="DIR", help="another than the image's")
    add("--entrypoint", metavar="PROGRAM", help="in the place of the image's entrypoint")
    add("-i", "--interactive", action="store_true", help="the guest reads standard input")
    add("-t", "--tty", action="store_true", help="give it the terminal; Ctrl-] ends it")
    add("--rm", action="store_true", help="nothing is kept but volumes, with or without it")
    add(
        "--network", choices=("user", "tap", "none"), default="user",
        help="a network of QEMU's, a tap device for forwarded ports under load, or none",
    )  # fmt: skip
    add_platform(process, "of an image for several: linux/arm64, or arm64")
    add("--pull", choices=find.PULLS, default="missing", help="when to ask the registry (missing)")
    machine = made.add_argument_group("of the virtual machine")
    add = machine.add_argument
    add("--accel", choices=("auto", "kvm", "tcg"), default="auto", help="what runs it (auto)")
    add("--monitor", metavar="NAME", help="another than the image's, such as qemu")
    add("--urunc", choices=RUNTIME.versions, default="", help="do it as this urunc does")
    add("--source", choices=boot.SOURCES, help="believe only these of the image's keys")
    add("--timeout", type=seconds, metavar="SECONDS", help="end it after as many")
    add("-q", "--quiet", action="store_true", help="ask a Linux kernel to print errors alone")
    add(
        "--append", action="append", default=[], metavar="WORD",
        help="another word for a Linux kernel's command line",
    )  # fmt: skip
    add("--verbose", action="store_true", help="show what the firmware prints, too")
    add("--dry-run", action="store_true", help="print the monitor's command, and do not run it")
    add("--keep", metavar="DIR", help="put the guest's files there, and leave them")
    add(
        "--gdb", type=value(port_number), nargs="?", const=_GDB, metavar="PORT",
        help=f"wait for a debugger at this port ({_GDB})",
    )  # fmt: skip
    return made


def run(options: argparse.Namespace) -> int:
    """Boot it, and return the status of the guest's command."""
    if find.is_path(options.image) and not is_layout(os.path.expanduser(options.image)):
        return _build(options)
    with find.images(options.image, options.pull) as images:
        return boot_images(images, options)


def _build(options: argparse.Namespace) -> int:
    """Build what a build file or its directory says, and boot it."""
    from frontend.cli import buildx
    from frontend.images import docker

    file, context = buildx.where(options.image, None)
    platform = () if options.platform is None else ("--platform", str(options.platform))
    request = buildx.Request(platform, file, context)
    with buildx.built(request, docker.find()) as images:
        return 1 if images is None else boot_images(images, options)


def boot_images(images: Images, options: argparse.Namespace) -> int:
    """Boot one of `images` as the options say."""
    try:
        with _directory(options.keep) as directory, _told_to_end():
            return _boot(images, directory, options)
    except (NotBootable, boot.NotInstalled) as error:
        return complain(str(error), NOT_STARTED)


@contextlib.contextmanager
def prepared(
    images: Images, directory: Path, options: argparse.Namespace
) -> Iterator[boot.Prepared]:
    """The guest that the options ask for, ready to be started, with its files in `directory`."""
    if options.publish and options.network == "none":
        raise NotBootable("a port cannot be forwarded to a guest without a network (--network)")
    forwards = _forwards(options.publish, starts=not options.dry_run)

    def machine(said: Contract, architecture: str) -> Machine:
        return Machine(
            kvm=_accelerated(options.accel, said, architecture),
            memory=options.memory,
            network=options.network != "none",
            tap=options.network == "tap",
            forwards=forwards,
            version=options.urunc,
            parameters=(*(["quiet"] if options.quiet else []), *options.append),
        )

    with boot.prepared(
        images,
        directory,
        platform=options.platform,
        machine=machine,
        args=options.command or None,
        entrypoint=None if options.entrypoint is None else [options.entrypoint],
        env=environment(options.env, options.env_file),
        workdir=options.workdir,
        source=options.source,
        monitor=options.monitor,
        anywhere=True,
        user=options.user,
        version=options.urunc,
        mounts=tuple(options.volume),
    ) as ready:
        yield ready


def _boot(images: Images, directory: Path, options: argparse.Namespace) -> int:
    with prepared(images, directory, options) as ready:
        command = [*ready.command, *_debugger(options.gdb, ready)]
        if options.dry_run:
            print(shlex.join(command))
            if options.keep is None:
                complain("its files are gone: --keep DIR leaves them")
            return 0
        for note in ready.notes:
            complain(note)
        return watch(ready, command, options)


def watch(
    ready: boot.Prepared,
    command: list[str],
    options: argparse.Namespace,
    *,
    to: BinaryIO | None = None,
) -> int:
    """Start the guest, show its console on standard output or `to`, and return its status."""
    terminal = options.tty and sys.stdin.isatty()
    out = _Output(to or sys.stdout.buffer, raw=terminal, failed=lambda: guest.end())
    console = Console(
        out.write,
        all=options.verbose,
        config_as_initrd=ready.contract.rootfs != "initrd",
    )
    broke = False

    def show(data: bytes) -> None:
        nonlocal broke
        console.feed(data)
        if ready.machine.kvm and _KVM_BROKE in data:
            broke = True
            guest.end()

    with boot.Guest(
        command,
        ready.user,
        echo=show,
        keep=_KEPT,
        console=options.interactive,
        network=ready.network,
    ) as guest:
        if options.gdb is not None:
            complain(f"waiting for a debugger: gdb -ex 'target remote :{options.gdb}'")
        with _keyboard(guest, terminal) if options.interactive else contextlib.nullcontext():
            outcome = guest.wait(options.timeout)
    console.close()
    out.check()
    if broke:
        return complain("this machine's KVM cannot run the guest: use --accel tcg", NOT_STARTED)
    return _status(ready, outcome, options.timeout)


def _status(ready: boot.Prepared, outcome: boot.Outcome, timeout: float | None) -> int:
    if outcome.machine is None:
        return complain(f"stopped after {timeout:g} seconds", TIMED_OUT)
    if outcome.machine != 0 and not ready.ends_with_the_guests:
        ended = f"{ready.command[0]} ended with status {outcome.machine}"
        return complain(ended, NOT_STARTED)
    status = outcome.status
    assert status is not None
    return status


class _Output:
    """A stream for another thread to write to: a failure waits until it is asked for."""

    def __init__(self, stream: BinaryIO, *, raw: bool, failed: Callable[[], None]) -> None:
        """`failed` is called once, when nobody reads any more."""
        self._stream = stream
        self._raw = raw
        self._tell = failed
        self._failed: OSError | None = None
        self._held = b""
        """A carriage return, of which it is not known yet whether it ends a line."""

    def write(self, data: bytes) -> None:
        """Write what a guest printed; without `raw` with ends of lines as files have them."""
        if self._failed is not None:
            return
        try:
            stream = self._stream
            if not self._raw:
                data = self._held + data
                self._held = b"\r" if data.endswith(b"\r") else b""
                data = plain(data.removesuffix(b"\r"))
            stream.write(data)
            stream.flush()
        except OSError as error:
            self._failed = error
            self._tell()

    def check(self) -> None:
        """Raise the OSError that writing ended with."""
        if self._failed is not None:
            raise self._failed


@contextlib.contextmanager
def _keyboard(guest: boot.Guest, terminal: bool) -> Iterator[None]:
    """Carry standard input to the guest; a terminal passes on every key but Ctrl-]."""
    descriptor = sys.stdin.fileno()
    if not terminal:
        Keyboard(descriptor, guest.stdin, None).start()
        yield
        return
    before = termios.tcgetattr(descriptor)
    raw = termios.tcgetattr(descriptor)
    raw[0] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
    raw[1] &= ~termios.OPOST
    raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    complain("Ctrl-] ends the guest")
    termios.tcsetattr(descriptor, termios.TCSADRAIN, raw)
    try:
        Keyboard(descriptor, guest.stdin, guest.end).start()
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _directory(keep: str | None) -> Iterator[Path]:
    """Where the guest's files are put: a temporary directory, or one to keep."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="hutch-run-") as name:
            yield Path(name)
        return
    path = Path(keep).absolute()
    path.mkdir(parents=True, exist_ok=True)
    if any(path.iterdir()):
        raise OSError(f"{keep} is not empty")
    yield path


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """Let signals that end a program end it through its `with` blocks, which end the guest."""

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = {each: signal.signal(each, end) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _accelerated(asked: str, said: Contract, architecture: str) -> bool:
    """Whether KVM is to run the guest. Raises NotBootable where it is asked for and cannot."""
    if asked == "tcg":
        return False
    uid, groups = said.uid, (said.gid, *said.groups)
    if os.geteuid() != 0:
        uid, groups = os.geteuid(), tuple(os.getgroups())
    obstacle = kvm.obstacle(architecture, uid, groups)
    if asked == "kvm" and obstacle:
        raise NotBootable(f"KVM cannot be used: {obstacle}")
    return not obstacle


def _debugger(port: int | None, ready: boot.Prepared) -> list[str]:
    if port is None:
        return []
    if not (program := ready.command[0]).startswith("qemu"):
        raise NotBootable(f"--gdb is for QEMU, and the guest runs on {program}")
    if ready.network is not None:  # QEMU listens in the guest's network, where no debugger is
        raise NotBootable("--gdb does not go with --network tap")
    return ["-gdb", f"tcp:127.0.0.1:{port}", "-S"]


# --- values ---


@value
def published(text: str) -> Forward:
    """`[[IP:]HOST:]GUEST[/udp]`; without a port of this machine, 0 for one that is free."""
    text, _, protocol = text.partition("/")
    if protocol not in ("", "tcp", "udp"):
        raise ValueError(f"'{protocol}' is neither tcp nor udp")
    rest, _, guest = text.rpartition(":")
    address, _, host = rest.rpartition(":")
    if address.startswith("["):
        raise ValueError("QEMU's network forwards IPv4 alone")
    if address and not re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", address):
        raise ValueError(f"'{address}' is no IPv4 address")
    return Forward(
        host=port_number(host) if host else 0,
        guest=port_number(guest),
        address=address or "127.0.0.1",
        protocol=protocol or "tcp",
    )


def _forwards(asked: Sequence[Forward], *, starts: bool) -> tuple[Forward, ...]:
    """The forwards, each with a port of this machine, which is told where we choose it.

    Raises NotBootable for one that is asked for twice, and where the guest `starts`, for one that
    is taken.
    """
    found: list[Forward] = []
    for each in asked:
        if each.host and any(_collide(each, other) for other in found):
            again = f"{each.host}/{each.protocol}"
            raise NotBootable(f"port {again} of {each.address} is forwarded twice (-p)")
        if each.host and not starts:
            found.append(each)
            continue
        try:
            host = _bound(each)
        except OSError as error:
            place = f"port {each.host}/{each.protocol} of {each.address}"
            raise NotBootable(f"{place} cannot be forwarded: {reason(error)}") from None
        if not each.host:
            complain(f"{each.address}:{host} leads to the guest's {each.guest}")
        found.append(replace(each, host=host))
    return tuple(found)


def _collide(one: Forward, other: Forward) -> bool:
    """Whether only one of two can have its port of this machine."""
    everywhere = "0.0.0.0" in (one.address, other.address)
    same = (one.host, one.protocol) == (other.host, other.protocol)
    return same and (everywhere or one.address == other.address)


def _bound(forward: Forward) -> int:
    """The port of this machine, one that is free where none is asked for. Raises OSError."""
    kind = socket.SOCK_DGRAM if forward.protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as free:
        if kind == socket.SOCK_STREAM:  # as QEMU: connections of a guest before may not be over
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind((forward.address, forward.host))
        return int(free.getsockname()[1])


@value
def variable(text: str) -> str:
    """A variable, which has a name."""
    if text.partition("=")[0] == "":
        raise ValueError(f"'{text}' has no name of a variable before its '='")
    return text


@value
def absolute(text: str) -> str:
    """A path in the guest, from its root."""
    if not text.startswith("/"):
        raise ValueError(f"'{text}' is no absolute path: begin it with /")
    return text


@value
def memory(text: str) -> int:
    """Docker's sizes, in MiB: `512m`, `1g`, and bytes without a unit."""
    found = re.fullmatch(r"(\d+)([bkmg]?)b?", text.lower())
    if found is None:
        raise ValueError(f"'{text}' is no size: write it as 512m or 1g")
    size = int(found[1]) << {"": 0, "b": 0, "k": 10, "m": 20, "g": 30}[found[2]]
    if size < 6 << 20:  # Docker's own least
        raise ValueError(f"'{text}' is less than 6m, with which no guest starts")
    return math.ceil(size / (1 << 20))


@value
def seconds(text: str) -> float:
    """A number of seconds, more than none."""
    found = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else 0.0
    if not found:
        raise ValueError(f"'{text}' is no number of seconds")
    return found


def environment(given: list[str], files: list[str]) -> Mapping[str, str]:
    """Variables by name: of files, a line each, then of the command line; the last one counts.

    One without a value has this process's, and is left out where that has none. Raises OSError.
    """
    lines: list[str] = []
    for name in files:
        for line in Path(name).read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                if line.lstrip().startswith("="):
                    raise OSError(f"{name}: '{line.strip()}' has no name of a variable")
                lines.append(line.lstrip())
    found: dict[str, str] = {}
    for line in (*lines, *given):
        name, equals, text = line.partition("=")
        if equals:
            found[name] = text
        elif name in os.environ:
            found[name] = os.environ[name]
    return found
