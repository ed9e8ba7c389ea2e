"""What a kernel from source costs in BuildKit, and what it is worth: time, size, boots.

The same scripts run twice, in turn: as steps of a build, and in a plain chroot of the same
toolchain on the same machine. Times of a build are those of its `make` step, as BuildKit has them.

Kernels that others configure boot beside ours, where somebody has built them:

    HUTCH_BENCH_KERNELS    their names and files: firecracker=/some/bzImage,kata=...
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import steps
from bench.steps import Step, run
from frameworks.linux import configs
from frameworks.linux.kernel import ENVIRONMENT
from frameworks.linux.versions import versions
from frameworks.runtime.machine import Machine
from frontend.images.boot import running

ROOT = Path(__file__).resolve().parent.parent
HELLO = ROOT / "examples/linux-hello"
MAKE = "[linux] make bzImage"
VARIABLES = ["ARCH=x86_64", "CROSS_COMPILE=x86_64-linux-gnu-", "CC=ccache x86_64-linux-gnu-gcc"]
FIRST_COMPILED = "[linux] make tinyconfig"
"""The first step that calls a compiler: for the program that reads Kconfig."""
PEERS = "HUTCH_BENCH_KERNELS"
MARK = "INIT-REACHED"
PROGRAM = f"""\
#include <stdio.h>
#include <sys/klog.h>
#include <sys/reboot.h>
#include <sys/sysinfo.h>
#include <time.h>
static char log[1 << 18];
int main(void) {{
  struct timespec now;
  struct sysinfo memory;
  int said;
  clock_gettime(CLOCK_BOOTTIME, &now);
  sysinfo(&memory);
  printf("\\n{MARK} %ld.%03ld %llu\\n", (long)now.tv_sec, now.tv_nsec / 1000000,
         (unsigned long long)memory.freeram * memory.mem_unit);
  if ((said = klogctl(3, log, sizeof log)) > 0) fwrite(log, 1, said, stdout);
  fflush(stdout);
  return reboot(RB_AUTOBOOT);
}}
"""
BUNNYFILE = """\
# syntax={frontend}
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {kernel}
app:
  from: local
  build: $CC -Os -s -static -o init init.c
  artifacts: [init:/init]
rootfs: {{type: initrd}}
init: none
cmd: [/init]
"""


@dataclass(frozen=True, slots=True)
class Builds:
    """Medians of the seconds of `make`; `bare` is the same on the bare machine; `app_steps` counts
    the kernel's steps that ran when only the application had changed."""

    cold: float
    bare: float
    option: float
    app_steps: int


@dataclass(frozen=True, slots=True)
class First:
    """The first build on a new machine: seconds until a compiler is called, what the steps before
    took one by one, added up, and the bytes that apt fetched in them."""

    compiler: float
    added: float
    fetched: int


@dataclass(frozen=True, slots=True)
class Boot:
    """A kernel's version, its file in bytes, seconds of its own clock until init runs, and of the
    whole from the monitor's start; the bytes of the machine's memory that are not free then.

    `phases` are the seconds of that clock by what the kernel said it had come to.
    """

    version: str
    size: int
    to_init: float
    wall: float
    memory: int
    phases: Mapping[str, float]


def build(directory: Path, kernel: str, frontend: str, *flags: str) -> list[Step]:
    """Build an image with this kernel; returns the steps that ran."""
    return steps.build(directory, BUNNYFILE.format(frontend=frontend, kernel=kernel), *flags)


def builds(frontend: str, rounds: int) -> Builds | None:
    """Build a kernel cold, on the bare machine, with another option, and with another program.

    Each round starts from cache mounts that nobody has used, and names its kernels, so that
    BuildKit has not seen their steps. Only root can: a chroot is needed.
    """
    if os.geteuid() != 0:
        return None
    tag = ("--tag", "bench:kernel")
    cold, bare, option = list[float](), list[float](), list[float]()
    with (
        tempfile.TemporaryDirectory(prefix="hutch-bench-") as context,
        tempfile.TemporaryDirectory(prefix="hutch-bench-root-") as chroot,
    ):
        directory, root = Path(context), Path(chroot)
        (directory / "init.c").write_text(PROGRAM)
        fill_root(root, directory, frontend)
        for _ in range(rounds):
            name = uuid.uuid4().hex
            fresh = ("--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={name}")
            plain = f"{{from: source, options: {{LOCALVERSION: '-{name}'}}}}"
            other = plain.replace("options: {", "options: {IKCONFIG: true, ")
            cold.append(_make(build(directory, plain, frontend, *fresh, *tag)))
            bare.append(bare_make(root))
            option.append(_make(build(directory, other, frontend, *fresh, *tag)))
        (directory / "init.c").write_text(PROGRAM + f"/* {uuid.uuid4()} */\n")
        ran = build(directory, plain, frontend, *fresh, *tag)
    return Builds(
        statistics.median(cold),
        statistics.median(bare),
        statistics.median(option),
        sum(step.target == "kernel" for step in ran),
    )


def first(frontend: str) -> First:
    """Begin to build a kernel as if for the first time, with no step in the cache.

    The images that steps run in are there already.
    """
    text = BUNNYFILE.format(frontend=frontend, kernel="{from: source}")
    flags = ("--no-cache", "--target", "kernel", "--output", "type=cacheonly")
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as context:
        began = time.time()
        started, before = steps.until(Path(context), text, FIRST_COMPILED, *flags)
    return First(
        started - began,
        sum(step.seconds for step in before),
        sum(fetched(step.output) for step in before),
    )


def fetched(output: str) -> int:
    """The bytes that apt says it fetched."""
    units = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
    found = re.findall(r"^Fetched ([\d.,]+) (k|M|G|)B in ", output, re.MULTILINE)
    return sum(int(float(number.replace(",", "")) * units[unit]) for number, unit in found)


def fill_root(root: Path, directory: Path, frontend: str) -> None:
    """Make `root` a chroot with what the steps of a build in `directory` have: the same toolchain,
    source and configuration."""
    archive = root / "toolchain.tar"
    kernel = "{from: source}"
    build(directory, kernel, frontend, "--target", "toolchain", "-o", f"type=tar,dest={archive}")
    run("tar", "-xf", str(archive), "-C", str(root))
    archive.unlink()
    table = versions()
    series = table.series[table.default]
    for name in ("o", "out", "ccache", "src", "request/ours", "hutch"):
        (root / name).mkdir(parents=True, exist_ok=True)
    steps.put_scripts("linux", root / "hutch")
    (root / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    pinned = (f"{series.package}={series.version}", series.archive, series.suite, series.snapshot)
    _chroot(root, "sh", "/hutch/fetch.sh", "/src", *pinned)
    _chroot(root, "sh", "/hutch/prepare.sh", "")
    parts = []
    for number, (name, text) in enumerate(configs.fragments(configs.DEFAULT, "amd64", "qemu")):
        part = root / "request/ours" / f"{number:02}-{name}"
        part.write_text(text)
        parts.append(str(part))
    merge = ["-m", "frameworks.linux.steps.kconfig", "merge", "--source", str(root / "src")]
    run(f"{ROOT}/.venv/bin/python", *merge, "--out", str(root / "request/request"), *parts)
    _chroot(root, "make", "-s", "-C", "/src", "O=/o", *VARIABLES, "tinyconfig")
    configure = ["/hutch/configure.sh", "/o/.config", "/request/request", "/out/config"]
    _chroot(root, "sh", *configure, *VARIABLES)


def bare_make(root: Path) -> float:
    """Seconds of the same make on the bare machine, with nothing built before."""
    _chroot(root, "find", "/o", "/ccache", "-mindepth", "1", "-delete")
    start = time.monotonic()
    _chroot(
        root, "sh", "/hutch/build.sh", "/out/config", "arch/x86/boot/bzImage", "/out/kernel",
        *VARIABLES,
    )  # fmt: skip
    return time.monotonic() - start


def peers() -> dict[str, Path]:
    """The files of the kernels that `PEERS` names, by name. Raises SystemExit for none there."""
    found = {}
    for entry in filter(None, os.environ.get(PEERS, "").split(",")):
        name, _, path = entry.partition("=")
        if not Path(path).is_file():
            raise SystemExit(f"bench: {PEERS} says {entry}, and there is no such file")
        found[name] = Path(path)
    return found


def version(kernel: Path) -> str:
    """What a bzImage says is its version; "" where it says none.

    The header has the place of the text (Linux's Documentation/arch/x86/boot.rst, kernel_version).
    """
    with kernel.open("rb") as file:
        head = file.read(0x210)
        if head[0x202:0x206] != b"HdrS":
            return ""
        file.seek(0x200 + int.from_bytes(head[0x20E:0x210], "little"))
        return file.read(256).partition(b"\0")[0].partition(b" ")[0].decode(errors="replace")


def boots(frontend: str, registry: str, rounds: int) -> dict[str, Boot]:
    """Boot the same program on Debian's cloud kernel, ours and `peers`, in turn, under the same
    QEMU.

    A kernel of `peers` that does not come to the program is left out, and what it printed is said.
    """
    kernels = {
        "Debian": "{from: local, path: vmlinuz}",
        "microvm": "{from: source}",
        "tiny": "{from: source, config: tiny}",
    }
    others = peers()
    files: dict[str, Path] = {}
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as context:
        directory = Path(context)
        (directory / "init.c").write_text(PROGRAM)
        inputs = ["docker", "buildx", "build", "--quiet", "-f", str(HELLO / "inputs.Dockerfile")]
        run(*inputs, "-o", str(directory), str(HELLO))
        for name, path in others.items():
            shutil.copy(path, directory / f"peer-{name}")
            kernels[name] = f"{{from: local, path: peer-{name}}}"
        for name, kernel in kernels.items():
            image = f"{registry}/bench-{name.lower()}"
            out = directory / f"out-{name}"
            build(directory, kernel, frontend, "--target", "kernel", "-o", str(out))
            files[name] = next(out.iterdir())
            build(directory, kernel, frontend, "--tag", image, "--push")
        what = {name: (version(file), file.stat().st_size) for name, file in files.items()}
    found: dict[str, list[Boot]] = {name: [] for name in kernels}
    for _ in range(rounds):
        for name in list(found):
            try:
                found[name].append(_boot(f"{registry}/bench-{name.lower()}", *what[name]))
            except TimeoutError as error:
                if name not in others:
                    raise
                print(f"no boot of {name}: {error}", file=sys.stderr)
                del found[name]
    return {name: _median(each) for name, each in found.items()}


def _boot(image: str, version: str, size: int) -> Boot:
    with running(image, machine=Machine()) as guest:
        start = time.monotonic()
        guest.wait_for(MARK, 120)
        wall = time.monotonic() - start
        output = guest.wait(60).output
    clock, free = output.partition(f"{MARK} ")[2].split()[:2]
    given = guest.command[guest.command.index("-m") + 1]  # 268M
    memory = (int(given.removesuffix("M")) << 20) - int(free)
    return Boot(version, size, float(clock), wall, memory, phases(output, float(clock)))


MILESTONES = (
    ("the processor, and code patched for it", "Mountpoint-cache hash"),
    ("the APIC's timer measured", "smpboot: CPU0"),
    ("ACPI and buses", "clocksource: Switched to"),
    ("network, PCI's devices", "PCI: CLS"),
    ("file systems, the initrd unpacked", "io scheduler"),
    ("drivers", "IPI shorthand"),
    ("the rest, and the init's program", MARK),
)
"""What microvm's kernel does until it says so, in this order.

A timer is measured for 0.1 s where the processor has no deadline for its time-stamp counter, as
QEMU's own has none; KVM's has one (Linux's arch/x86/kernel/apic/apic.c).
"""


def phases(log: str, to_init: float) -> dict[str, float]:
    """The seconds between `MILESTONES` in a kernel's log; none where it does not tell them all.

    The clock of the first lines is not that of the rest, which begins with the time-stamp counter.
    """
    times = []
    for _, said in MILESTONES[:-1]:
        match = re.search(rf"^(?:<\d>)?\[ *(\d+\.\d+)\] .*{re.escape(said)}", log, re.MULTILINE)
        if match is None:
            return {}
        times.append(float(match[1]))
    times.append(to_init)
    names = [name for name, _ in MILESTONES]
    return {
        name: end - start for name, start, end in zip(names, [0.0, *times], times, strict=False)
    }


def _median(found: Sequence[Boot]) -> Boot:
    return Boot(
        found[0].version,
        found[0].size,
        statistics.median(each.to_init for each in found),
        statistics.median(each.wall for each in found),
        int(statistics.median(each.memory for each in found)),
        {name: statistics.median(each.phases[name] for each in found) for name in found[0].phases},
    )


def _make(ran: Sequence[Step]) -> float:
    return next(step.seconds for step in ran if step.name == MAKE)


def _chroot(root: Path, *command: str) -> None:
    """Run a command in `root`, with /proc and /dev, in a mount namespace of its own."""
    mounts = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev"'
    script = f'{mounts} && exec chroot "$0" env -i "$@"'
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KBUILD_BUILD_TIMESTAMP": "@315532800"}
    words = [f"{name}={value}" for name, value in {**env, **ENVIRONMENT}.items()]
    run("unshare", "--mount", "sh", "-c", script, str(root), *words, *command)
