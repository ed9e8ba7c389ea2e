"""Boot an image's guest under QEMU as urunc would: `python3 -m engine.boot REF`.

The image is read from its registry; what its annotations, labels or `/urunc.json` say decides
everything (`engine.guests`). The guest's serial port is the output, and its end is the command's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from engine import guests
from engine.guests import Contract, Files, Machine, NotBootable
from engine.report import EngineError
from frontend.layers import Tree
from frontend.registry import NEEDED, Image, Repository, decode
from llb import Platform

_RESET = re.compile(r"\x1bc(?:\x1b\[[0-9;?]*[A-Za-z])*")
"""How the firmware clears the screen, before it and when it is done; a terminal would obey."""

SOURCES = ("annotations", "labels", "urunc.json")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a boot ended: what the guest printed, QEMU's exit status, the time in seconds.

    `status` is None when the time ran out and the machine was stopped.
    """

    output: str
    status: int | None
    seconds: float


class Guest:
    """A running virtual machine; leaving its `with` block stops it."""

    def __init__(self, command: Sequence[str], echo: TextIO | None = None) -> None:
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
            )
        except FileNotFoundError:
            hint = ""
            if command[0].startswith("qemu"):
                hint = ": apt-get install qemu-system-x86 qemu-system-arm"
            raise EngineError(f"{command[0]} is not installed{hint}") from None
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
            return _text(b"".join(self._parts))

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
                self._echo.write(_text(piece))
                self._echo.flush()
        with self._grew:
            self._ended = True
            self._grew.notify_all()


def contract(image: Image, tree: Tree, source: str | None = None) -> Contract:
    """What `image` tells urunc, from one of `SOURCES` or, as urunc does, from all of them.

    A label gives way to the annotation of the same name; `/urunc.json` counts only when the three
    keys that urunc needs are not all there (urunc.md 1.2). Raises NotBootable for none.
    """
    annotations, labels = _ours(image.annotations), _ours(image.labels)
    raw = tree.read("/urunc.json")
    file = {} if raw is None else _ours(decode(raw))
    if source is not None:
        keys = {"annotations": annotations, "labels": labels, "urunc.json": file}[source]
    else:
        keys = {**labels, **annotations}
        if not all(name.removeprefix(guests.PREFIX) in keys for name in NEEDED):
            keys = file
    missing = [name for name in NEEDED if not keys.get(name.removeprefix(guests.PREFIX))]
    if missing:
        raise NotBootable(f"urunc would run it as an ordinary container: no {missing[0]}")
    process = image.process
    uid, gid = _user(process.get("User") or "", tree)
    return Contract(
        keys=keys,
        args=(*(process.get("Entrypoint") or ()), *(process.get("Cmd") or ())),
        env=tuple(process.get("Env") or ()),
        uid=uid,
        gid=gid,
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
    echo: TextIO | None = None,
) -> Iterator[Guest]:
    """The guest of the image `ref`, booted; it is stopped when the block is left.

    `args` replaces the image's command and `env` adds to its environment, as `docker run` does;
    `monitor` is another than the image's, which can boot its kernel, too. Raises NotBootable,
    EngineError, or OSError where the image cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="hutch-boot-") as name, Repository(ref) as repository:
        directory = Path(name)
        image = repository.image(platform)
        tree = repository.tree(image)
        said = contract(image, tree, source)
        if args is not None:
            entrypoint = image.process.get("Entrypoint") or ()
            said = replace(said, args=(*entrypoint, *args))
        if env:
            said = replace(said, env=(*said.env, *(f"{k}={v}" for k, v in env.items())))
        if monitor is not None:
            said = replace(said, keys={**said.keys, "hypervisor": monitor})
        chosen = replace(machine or Machine(), architecture=image.platform.architecture)
        files = place(said, tree, directory, chosen)
        with Guest(guests.command(said, files, chosen), echo) as guest:
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
    ) as guest:
        return guest.wait(timeout)


def place(said: Contract, tree: Tree, directory: Path, machine: Machine) -> Files:
    """Write the contract's files into `directory`, and urunit's and the monitor's configuration."""

    def save(key: str) -> str | None:
        path = said.keys.get(key)
        if not path:
            return None
        tree.save(path, str(directory / key))
        return str(directory / key)

    kernel, initrd, block = save("binary"), save("initrd"), save("block")
    assert kernel is not None
    files = Files(kernel, initrd, block)
    if said.rootfs == "share":
        share = directory / "share"
        share.mkdir()
        tree.unpack(str(share))
        files = replace(files, share=str(share))
    if said.has_urunit:
        text = guests.configuration(said, machine)
        if said.rootfs == "initrd" and initrd is not None:
            with open(initrd, "ab") as out:
                out.write(b"\0" * (-out.tell() % 4) + guests.cpio(guests.CONFIG, text))
        else:
            config = directory / guests.CONFIG
            if said.is_bsd:  # a disk, in whole sectors
                if not machine.newer:
                    text += b"PAD\n" * (-(-(-len(text) % 512) // 4))
                text += b"\0" * (-len(text) % 512)
            config.write_bytes(text)
            files = replace(files, config=str(config))
    if said.monitor == "firecracker":
        files = replace(files, monitor=str(directory / "fc.json"))
        Path(files.monitor).write_text(json.dumps(guests.firecracker(said, files, machine)))
    return files


def _text(data: bytes) -> str:
    return _RESET.sub("\n", data.decode(errors="replace")).replace("\r\n", "\n")


def _ours(keys: Mapping[str, str]) -> dict[str, str]:
    prefix = guests.PREFIX
    return {
        key.removeprefix(prefix): value for key, value in keys.items() if key.startswith(prefix)
    }


def _user(text: str, tree: Tree) -> tuple[int, int]:
    """User and group by number; a name is looked up in the image, as a container runtime does."""
    user, _, group = text.partition(":")
    uid, gid = 0, 0
    if user.isdigit():
        uid = int(user)
    elif user:
        found = _lookup(tree, "/etc/passwd", user)
        uid, gid = int(found[2]), int(found[3])
    if group:
        gid = int(group) if group.isdigit() else int(_lookup(tree, "/etc/group", group)[2])
    return uid, gid


def _lookup(tree: Tree, file: str, name: str) -> list[str]:
    for line in (tree.read(file) or b"").decode().splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return fields
    raise NotBootable(f"the image's {file} does not know '{name}'")


def _forward(text: str) -> tuple[int, int]:
    host, _, guest = text.partition(":")
    return int(host), int(guest or host)


def main(arguments: Sequence[str] | None = None) -> int:
    """Boot one image; the status is QEMU's, 124 when the time ran out, 1 for what cannot boot."""
    parser = argparse.ArgumentParser(
        prog="engine.boot", description="Boot an image's guest under QEMU as urunc would."
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
    parser.add_argument("--newer", action="store_true", help="as the urunc that is to come does it")
    parser.add_argument("--kvm", action="store_true", help="use the processor, as urunc does")
    options = parser.parse_args(arguments)
    machine = Machine(
        memory=options.memory,
        network=options.network or bool(options.ports),
        forwards=dict(options.ports),
        kvm=options.kvm,
        newer=options.newer,
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
            echo=sys.stdout,
        ) as guest:
            outcome = guest.wait(options.timeout)
    except (NotBootable, EngineError, OSError) as error:
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
