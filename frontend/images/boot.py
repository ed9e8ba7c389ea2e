"""Boot an image's guest under QEMU as urunc would; the command line is `hutch run`.

The image is read from where it is (`oci.Images`); what its annotations, labels or `/urunc.json`
say decides everything (`frameworks.runtime`). As under urunc, the image's files are in a tree of
their own with their own owners and modes, and the monitor runs as the container's user: what that
user may not open, the guest does not get. (For that, this must run as root; as another user QEMU
runs as that user, and what urunc's could not open is an error.) The guest's serial port is the
output.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TypedDict, Unpack

from frameworks import kernelfile
from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Files, Machine, NotBootable
from frontend.images import tap, volumes
from frontend.images.layers import ImageFiles
from frontend.images.oci import Images, StoredImage, decode
from frontend.images.placing import place
from frontend.images.registry import Repository
from frontend.images.tap import NotInstalled as NotInstalled
from frontend.images.users import User, closed, refusal, resolve
from frontend.images.volumes import Binding
from llb import Platform

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

_RESET = re.compile(r"\x1bc(?:\x1b\[[0-9;?]*[A-Za-z])*")
"""How the firmware clears the screen, before it and when it is done; a terminal would obey."""

SOURCES = ("annotations", "labels", os.path.basename(RUNTIME.file))

FAILED = 125
"""The status of a guest that stopped before its command had one: a panic."""

_PATIENCE = 2
"""How many seconds a monitor may take to end when it is asked to."""

_END = re.compile(
    r"hutch-init: exit status (?P<status>\d+)$"
    r"|(?:^|\[ *\d+\.\d+\] )Kernel panic - not syncing: (?P<panic>.*)$"
    r"|^panic: (?P<bsd>.*)$",
    re.MULTILINE,
)
"""How a guest ends: hutch's init says the command's status; Linux and the BSDs panic."""

_KILLED_INIT = re.compile(r"Attempted to kill init! exitcode=0x([0-9a-f]{8})")


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


def _die_with_parent() -> None:
    """Have the kernel end this process with its parent (PR_SET_PDEATHSIG, prctl(2)).

    A guest must not outlive a command that somebody killed, for nobody would know of it.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Guest:
    """A running virtual machine; leaving its `with` block stops it."""

    def __init__(
        self,
        command: Sequence[str],
        user: User | None = None,
        *,
        echo: Callable[[bytes], None] | None = None,
        keep: int | None = None,
        console: bool = False,
        network: tap.Network | None = None,
    ) -> None:
        """Start `command`, as `user` if one is given, which needs root. Raises NotInstalled.

        `echo` is given what the guest prints as it comes; `output` keeps the last `keep` bytes of
        it at least, None for all. With `console` the guest can be written to (`stdin`). `network`
        is made for it, and lasts as long; raises NotBootable and OSError where it cannot be.
        """
        self.command = tuple(command)
        self._echo = echo
        self._keep = keep
        self._parts: list[bytes] = []
        self._size = 0
        self._grew = threading.Condition()
        self._ended = False
        self._start = time.monotonic()

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE if console else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                user=None if user is None else user.uid,
                group=None if user is None else user.gid,
                extra_groups=None if user is None else user.groups,
                start_new_session=True,  # a terminal's Ctrl-C is for us, who end the guest
                preexec_fn=_die_with_parent,
            )

        with contextlib.ExitStack() as undo:
            namespace = None if network is None else undo.enter_context(network.made())
            try:
                self._process = start() if namespace is None else namespace.call(start)
            except FileNotFoundError:
                has = next(
                    (m for m in RUNTIME.monitors.values() if command[0].startswith(m.name)), None
                )
                packages = " ".join(has.packages) if has is not None else ""
                hint = f": apt-get install {packages}" if packages else ""
                raise NotInstalled(f"{command[0]} is not installed{hint}") from None
            self._network = undo.pop_all()
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
    def stdin(self) -> IO[bytes]:
        """What the guest's serial port reads, of a guest with a `console`."""
        assert self._process.stdin is not None
        return self._process.stdin

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

    def wait(self, timeout: float | None = None) -> Outcome:
        """Wait until the machine ends, or stop it after `timeout` seconds."""
        status: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(timeout)
        self.stop()
        return Outcome(self.output, status, time.monotonic() - self._start)

    def end(self) -> None:
        """Ask the monitor to end, and do not wait for it."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End the machine, if it has not ended: as urunc does, who asks the monitor first."""
        if self._process.poll() is None:
            self.end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
            self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._network.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := os.read(self._process.stdout.fileno(), 1 << 16):
            with self._grew:
                self._parts.append(piece)
                self._size += len(piece)
                if self._keep is not None and self._size > 2 * self._keep + len(piece):
                    self._parts = [b"".join(self._parts)[-self._keep :]]
                    self._size = self._keep
                self._grew.notify_all()
            if self._echo is not None:
                self._echo(piece)
        with self._grew:
            self._ended = True
            self._grew.notify_all()


def contract_of(
    image: StoredImage,
    tree: ImageFiles,
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
        keys = RUNTIME.effective(annotations, labels, file, version)
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """A guest that is ready to be started: the monitor's command, and the user to run it as.

    `notes` are lines for the user. `network` is the one to start it in, None for this machine's.
    """

    contract: Contract
    machine: Machine
    command: tuple[str, ...]
    user: User | None
    notes: tuple[str, ...] = ()
    network: tap.Network | None = None

    @property
    def ends_with_the_guests(self) -> bool:
        """Whether the monitor's status is the guest's, as Solo5's tenders have it, and QEMU for a
        guest that has its device for that (docs/contract/urunc.md 2.2)."""
        monitor = RUNTIME.monitors.get(self.contract.monitor)
        return self.contract.type in RUNTIME.with_status or (
            monitor is not None and monitor.kind == "tender"
        )


@contextlib.contextmanager
def prepared(
    images: Images,
    directory: Path,
    *,
    platform: Platform | None = None,
    machine: Machine | Callable[[Contract, str], Machine] | None = None,
    args: Sequence[str] | None = None,
    entrypoint: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    workdir: str | None = None,
    source: str | None = None,
    monitor: str | None = None,
    anywhere: bool = False,
    user: str | None = None,
    version: str = "",
    mounts: tuple[Binding, ...] = (),
) -> Iterator[Prepared]:
    """The image's guest, with its files in `directory`, ready to be started.

    `args` replaces the image's command, `entrypoint` its entrypoint (and its command with it),
    `user` and `workdir` what they say, and `env` adds to its environment, as `docker run` does.
    `monitor` is another than the image's, which can boot its kernel, too; `anywhere` takes the
    stand-in of one that not every machine has. `machine` may be made of what the image says, and of
    its architecture. `mounts` are what `docker run -v` is given.

    Raises NotBootable, or OSError where the image cannot be read.
    """
    directory.chmod(0o755)  # the monitor's user must get in
    image = images.image(platform)
    tree = images.tree(image)
    if machine is None:
        machine = Machine()
    version = version or ("" if callable(machine) else machine.version)
    contract = contract_of(image, tree, source, version=version, user=user)
    process = image.process
    if entrypoint is not None:
        contract = replace(contract, args=(*entrypoint, *(args or ())))
    elif args is not None:
        contract = replace(contract, args=(*(process.get("Entrypoint") or ()), *args))
    if env:
        there = [entry for entry in contract.env if entry.partition("=")[0] not in env]
        contract = replace(contract, env=(*there, *(f"{k}={v}" for k, v in env.items())))
    notes: list[str] = []
    if workdir is not None:
        contract = replace(contract, workdir=workdir)
    row = RUNTIME.monitors.get(contract.monitor)
    if monitor is None and anywhere and row is not None and contract.type in RUNTIME.portable:
        monitor = row.stand_in or None
        if monitor is not None:
            notes.append(f"the image asks for {contract.monitor}; here it runs on {monitor}")
    if monitor is not None:
        contract = replace(contract, keys={**contract.keys, RUNTIME.keys.monitor: monitor})
    if callable(machine):
        machine = machine(contract, image.platform.architecture)
    chosen = replace(
        machine, architecture=image.platform.architecture, version=version or machine.version
    )
    if workdir is not None and not reads_process(contract, chosen):
        unread = "the guest has no init that reads it (hutch's own does)"
        notes.append(f"--workdir {workdir} changes nothing: {unread}")
    who: User | None = None
    if os.geteuid() == 0:
        who = User(contract.uid, contract.gid, contract.groups)
        if (shut := closed(directory, who)) is not None:
            raise NotBootable(
                f"user {who.uid}, who runs the monitor, may not enter {shut} of this machine, "
                "where the guest's files are put: set TMPDIR to a directory that is open to all, "
                "such as /var/tmp"
            )
    attached = volumes.attach(contract, mounts, directory, chosen)
    chosen = replace(chosen, volumes=(*chosen.volumes, *attached.disks))
    files = place(contract, tree, directory, chosen)
    if (row := RUNTIME.monitors.get(contract.monitor)) is not None and row.kind == "tender":
        chosen, files = tended(chosen, files)
    if attached.copies and files.initrd:
        volumes.append(files.initrd, attached.copies)
    if who is None and (refused := refusal(contract, tree)):
        raise NotBootable(f"{refused} (and not as root, this cannot try)")
    network: tap.Network | None = None
    if chosen.network and row is not None and (chosen.tap or row.kind == "tender"):
        network = tap.Network(RUNTIME.tap, RUNTIME.gateway, RUNTIME.address, chosen.forwards)
    command = tuple(RUNTIME.command(contract, files, chosen))
    with bound(directory / "root", attached.binds):
        yield Prepared(contract, chosen, command, who, (*notes, *attached.notes), network)


def reads_process(contract: Contract, machine: Machine) -> bool:
    """Whether the guest has an init that is told the working directory."""
    return RUNTIME.init_file(contract, machine) is not None


def tended(machine: Machine, files: Files) -> tuple[Machine, Files]:
    """The machine and the files of a Solo5 kernel, with the devices that its manifest has.

    A tender refuses a device that is not in it. Raises NotBootable where one is wanted that the
    machine is not to have.
    """
    with open(files.kernel, "rb") as file:
        kinds = {device.kind for device in kernelfile.identify(file).devices or ()}
    if "net" in kinds and not machine.network:
        raise NotBootable("its kernel does not start without a network")
    if machine.forwards and "net" not in kinds:
        raise NotBootable("its kernel has no network to forward a port to")
    files = files if "block" in kinds else replace(files, block=None)
    return replace(machine, network="net" in kinds), files


@contextlib.contextmanager
def bound(root: Path, mounts: Sequence[Binding]) -> Iterator[None]:
    """Binding each source at its path below `root`, which needs root. Raises OSError."""
    with contextlib.ExitStack() as undo:
        for each in mounts:
            to = root / each.path.lstrip("/")
            if os.path.isdir(each.source):
                to.mkdir(parents=True, exist_ok=True)
            else:
                to.parent.mkdir(parents=True, exist_ok=True)
                to.touch()
            _mount("--bind", each.source, str(to))
            undo.callback(
                subprocess.run, ["umount", "--lazy", str(to)], capture_output=True, check=False
            )
            if each.read_only:
                _mount("-o", "remount,bind,ro", str(to))
        yield


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"cannot mount {words[-2]} into the guest: {done.stderr.strip()}")


class Choices(TypedDict, total=False):
    """What of `prepared` one may choose who boots an image of a registry."""

    platform: Platform
    machine: Machine
    args: Sequence[str]
    env: Mapping[str, str]
    source: str
    monitor: str
    user: str
    mounts: tuple[Binding, ...]


@contextlib.contextmanager
def running(ref: str, **choices: Unpack[Choices]) -> Iterator[Guest]:
    """The guest of the image `ref` of a registry, booted; leaving the block stops it.

    Raises NotBootable, NotInstalled, or OSError where the image cannot be read.
    """
    with (
        tempfile.TemporaryDirectory(prefix="hutch-boot-") as name,
        Repository(ref) as images,
        prepared(images, Path(name), **choices) as ready,
        Guest(ready.command, ready.user, network=ready.network) as guest,
    ):
        yield guest


def boot(ref: str, *, timeout: float = 60, **choices: Unpack[Choices]) -> Outcome:
    """Boot the image `ref` as `running` does, and wait for its end, at most `timeout` seconds."""
    with running(ref, **choices) as guest:
        return guest.wait(timeout)


def plain(data: bytes) -> str:
    """What a console printed, as text that a terminal does not obey, with plain ends of lines."""
    return _RESET.sub("\n", data.decode(errors="replace")).replace("\r\n", "\n")
