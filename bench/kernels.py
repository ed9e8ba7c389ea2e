"""What a kernel from source costs in BuildKit, and what it is worth: time, size, boots.

The same scripts run twice, in turn: as steps of a build, and in a plain chroot of the same
toolchain on the same machine. Times of a build are those of its `make` step, as BuildKit has them.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Sequence
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
LINUX, KIT = ROOT / "frameworks/linux", ROOT / "frameworks/kit"
HELLO = ROOT / "examples/linux-hello"
MAKE = "[linux] make bzImage"
VARIABLES = ["ARCH=x86_64", "CROSS_COMPILE=x86_64-linux-gnu-", "CC=ccache x86_64-linux-gnu-gcc"]
MARK = "INIT-REACHED"
PROGRAM = f"""\
#include <stdio.h>
#include <sys/reboot.h>
#include <time.h>
int main(void) {{
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  printf("\\n{MARK} %ld.%03ld\\n", (long)now.tv_sec, now.tv_nsec / 1000000);
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
class Boot:
    """A kernel's file in bytes, seconds of its own clock until init runs, and of QEMU's whole
    start."""

    size: int
    to_init: float
    wall: float


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
    for steps_of in (LINUX, KIT):
        for script in (steps_of / "steps").iterdir():
            if script.suffix in (".sh", ".py"):
                (root / "hutch" / script.name).write_bytes(script.read_bytes())
    shutil.copytree(LINUX / "patches", root / "hutch/patches")
    (root / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    pinned = (f"{series.package}={series.version}", series.archive, series.suite, series.snapshot)
    _chroot(root, "sh", "/hutch/fetch.sh", "/out", *pinned)
    _chroot(root, "tar", "-xf", "/out/source.tar", "-C", "/src", "--strip-components=1")
    (root / "out/source.tar").unlink()
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


def boots(frontend: str, registry: str, rounds: int) -> dict[str, Boot]:
    """Boot the same program on Debian's cloud kernel and on ours, in turn, under the same QEMU."""
    kernels = {
        "Debian": "{from: local, path: vmlinuz}",
        "microvm": "{from: source}",
        "tiny": "{from: source, config: tiny}",
    }
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as context:
        directory = Path(context)
        (directory / "init.c").write_text(PROGRAM)
        inputs = ["docker", "buildx", "build", "--quiet", "-f", str(HELLO / "inputs.Dockerfile")]
        run(*inputs, "-o", str(directory), str(HELLO))
        for name, kernel in kernels.items():
            image = f"{registry}/bench-{name.lower()}"
            out = directory / f"out-{name}"
            build(directory, kernel, frontend, "--target", "kernel", "-o", str(out))
            sizes[name] = next(out.iterdir()).stat().st_size
            build(directory, kernel, frontend, "--tag", image, "--push")
    clocks: dict[str, list[float]] = {name: [] for name in kernels}
    walls: dict[str, list[float]] = {name: [] for name in kernels}
    for _ in range(rounds):
        for name in kernels:
            with running(f"{registry}/bench-{name.lower()}", machine=Machine()) as guest:
                start = time.monotonic()
                guest.wait_for(MARK, 120)
                walls[name].append(time.monotonic() - start)
                output = guest.wait(60).output
            clocks[name].append(float(output.partition(f"{MARK} ")[2].split()[0]))
    return {
        name: Boot(sizes[name], statistics.median(clocks[name]), statistics.median(walls[name]))
        for name in kernels
    }


def _make(ran: Sequence[Step]) -> float:
    return next(step.seconds for step in ran if step.name == MAKE)


def _chroot(root: Path, *command: str) -> None:
    """Run a command in `root`, with /proc and /dev, in a mount namespace of its own."""
    mounts = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev"'
    script = f'{mounts} && exec chroot "$0" env -i "$@"'
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KBUILD_BUILD_TIMESTAMP": "@315532800"}
    words = [f"{name}={value}" for name, value in {**env, **ENVIRONMENT}.items()]
    run("unshare", "--mount", "sh", "-c", script, str(root), *words, *command)
