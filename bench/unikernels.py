"""What unikernels weigh, and how long they take to their first line, beside the smallest Linux.

Their source trees are not where this is run, so whoever has them names a directory with one each by
the name of its build context (`solo5`, `ocaml-solo5`, `rumprun`, `unikraft`, `app-elfloader`,
`lib-libelf`, `lib-lwip`, `lwip`, and `src-netbsd` and `buildrump` where `rumprun` lacks them); what
has none of its trees there is not measured. Whoever has the examples built already names their
images instead:

    HUTCH_BENCH_UNIKERNELS          that directory
    HUTCH_BENCH_UNIKERNEL_IMAGES    references (or OCI layouts), with blanks between them; the last
                                    part of each is the example's name, and a tag or digest
                                    (`localhost:5000/mirage-hello:1`)

The monitors are those of this machine, by their names in PATH: `solo5-spt`, `solo5-hvt` where there
is KVM, and QEMU. A start is from the monitor's exec to the line in this process.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import steps
from frameworks.runtime import RUNTIME
from frontend.images import find
from frontend.images.boot import contract_of
from frontend.images.layers import ImageFiles

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
KVM = Path("/dev/kvm")
TREES = "HUTCH_BENCH_UNIKERNELS"
IMAGES = "HUTCH_BENCH_UNIKERNEL_IMAGES"
SUBMODULES = ("src-netbsd", "buildrump")
"""Trees that are contexts of their own where the directory has them."""


@dataclass(frozen=True, slots=True)
class Example:
    """An example that prints `line`, the build contexts it needs, and the monitors it is for.

    `words` are the kernel's command line, as the runtime has it for one without devices; `initrd`
    says that its root filesystem is given to the monitor, too.
    """

    name: str
    contexts: tuple[str, ...]
    words: str
    line: bytes
    monitors: tuple[str, ...]
    initrd: bool = False


ROWS = (
    Example(
        "mirage-hello",
        ("solo5", "ocaml-solo5"),
        "--hello=bench",
        b"Hello, bench",
        ("spt", "hvt", "qemu"),
    ),
    Example(
        "rumprun-hello",
        ("solo5", "rumprun"),
        '{"cmdline":"hello","env":"GREETING=Hello, bench"}',
        b"Hello, bench",
        ("spt", "hvt"),
    ),
    Example(
        "unikraft-hello",
        ("unikraft",),
        "Unikraft -- bench",
        b"Hello from Unikraft: bench",
        ("qemu",),
    ),
    Example(
        "unikraft-elfloader",
        ("unikraft", "app-elfloader", "lib-libelf", "lib-lwip", "lwip"),
        'Unikraft vfs.fstab=[ "initrd0:/:extract:::" ] -- /server /srv/index.html',
        b"listening on port 80",
        ("qemu",),
        initrd=True,
    ),
    Example(
        "linux-static-c",
        (),
        "panic=-1 console=ttyS0 root=/dev/ram0 rw rdinit=/urunit -- /primes 100",
        b"25 prime numbers below 100",
        ("qemu",),
        initrd=True,
    ),
)
MEMORY = 64
"""MiB of a guest's."""


@dataclass(frozen=True, slots=True)
class Start:
    """The bytes of a kernel's file, and of its initrd; the median of the seconds to its first line,
    None where the monitor is not here."""

    size: int
    seconds: float | None
    initrd: int = 0


def trees() -> Path | None:
    """The directory of `TREES`, None where there is none."""
    name = os.environ.get(TREES)
    return Path(name).resolve() if name else None


def images() -> tuple[str, ...]:
    """The references of `IMAGES`."""
    return tuple(os.environ.get(IMAGES, "").split())


def measure(given: Path, frontend: str, rounds: int) -> Iterator[tuple[str, Start]]:
    """Each example for each of its monitors, by name, whose trees are all in `given`."""
    for example in ROWS:
        if all((given / name).is_dir() for name in example.contexts):
            for monitor in example.monitors:
                yield (
                    f"{example.name} on {monitor}",
                    _start(example, monitor, given, frontend, rounds),
                )


def brought(refs: Sequence[str], rounds: int) -> Iterator[tuple[str, Start]]:
    """The example of each image, for the image's own monitor, by name.

    Raises ValueError for one that is called as no example is, ImageError, OSError.
    """
    rows = {row.name: row for row in ROWS}
    for ref in refs:
        name = posixpath.basename(ref).partition("@")[0].partition(":")[0]
        if name not in rows:
            raise ValueError(f"{IMAGES}: {ref} is called as none of {', '.join(rows)}")
        with find.images(ref) as found, tempfile.TemporaryDirectory(prefix="hutch-bench-") as to:
            image = found.image(None)
            tree = found.tree(image)
            contract = contract_of(image, tree)
            kernel, *initrd = (
                _laid(tree, contract.keys[key], Path(to) / key)
                for key in (RUNTIME.keys.kernel, RUNTIME.keys.initrd)
                if contract.keys.get(key)
            )
            seconds = started(rows[name], contract.monitor, kernel, rounds, *initrd)
            start = _weighed(kernel, initrd, seconds)
        yield f"{name} on {contract.monitor}", start


def _laid(tree: ImageFiles, path: str, to: Path) -> Path:
    """An image's file as the file `to`."""
    with to.open("wb") as file:
        file.writelines(tree.pieces(path))
    return to


def _start(example: Example, monitor: str, given: Path, frontend: str, rounds: int) -> Start:
    names = list(example.contexts)
    if "rumprun" in names:
        names += [name for name in SUBMODULES if (given / name).is_dir()]
    flags = [word for name in names for word in ("--build-context", f"{name}={given / name}")]
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as folder:
        directory = Path(folder) / example.name
        shutil.copytree(EXAMPLES / example.name, directory)
        said = (directory / "bunnyfile").read_text().partition("\n")[2]
        text = f"# syntax={frontend}\n" + said.replace("monitor: spt", f"monitor: {monitor}", 1)
        made: list[Path] = []
        for target in ("kernel", "rootfs") if example.initrd else ("kernel",):
            out = Path(folder) / target
            steps.build(directory, text, *flags, "--target", target, "-o", str(out))
            made += out.iterdir()
        kernel, *initrd = made
        seconds = started(example, monitor, kernel, rounds, *initrd)
        return _weighed(kernel, initrd, seconds)


def _weighed(kernel: Path, initrd: Sequence[Path], seconds: float | None) -> Start:
    """A measured start, with the sizes of its files."""
    return Start(kernel.stat().st_size, seconds, sum(each.stat().st_size for each in initrd))


def started(
    example: Example, monitor: str, kernel: Path, rounds: int, initrd: Path | None = None
) -> float | None:
    """The median of a kernel's starts; None where the monitor is not here."""
    command = [f"solo5-{monitor}", f"--mem={MEMORY}", str(kernel), example.words]
    if monitor == "qemu":
        command = ["qemu-system-x86_64", "-m", f"{MEMORY}M", "-nodefaults", "-no-reboot"]
        command += ["-display", "none", "-vga", "none", "-serial", "stdio", "-cpu", "max"]
        command += ["-kernel", str(kernel), "-append", example.words]
        command += ["-initrd", str(initrd)] if initrd else []
    if shutil.which(command[0]) is None or (monitor == "hvt" and not os.access(KVM, os.R_OK)):
        return None
    return statistics.median(first_line(command, example.line) for _ in range(rounds))


def first_line(command: Sequence[str], mark: bytes) -> float:
    """Seconds from a monitor's exec to a line with `mark`. Raises RuntimeError where none comes."""
    start = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        said = b""
        try:
            for line in process.stdout:
                said += line
                if mark in line:
                    return time.monotonic() - start
        finally:
            process.kill()
    raise RuntimeError(f"{command[0]} ended without {mark!r}:\n{said.decode(errors='replace')}")
