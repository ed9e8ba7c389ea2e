"""What the BSDs' kernels cost in BuildKit: each step against the same command outside of it.

Their source trees are not where this is run, so whoever has one names its directory:

    HUTCH_BENCH_NETBSD, HUTCH_BENCH_FREEBSD    a source tree
    HUTCH_BENCH_NETBSD_TOOLCHAIN               the image whose compiler builds NetBSD's kernel
                                               (debian:trixie-slim)

Outside means in a chroot of the same toolchain on the same machine, with the arguments and the
environment that the build's graph has. Times of a build are those of its steps, as BuildKit has
them; cold is with empty caches.
"""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frameworks
from bench import steps
from bench.steps import run
from frameworks import architectures
from frameworks.base import Build
from frameworks.bsd.recipe import BSD
from frameworks.bsd.steps import kernconf
from frameworks.lower import Lowering
from frontend import plan
from frontend.bunnyfile import load
from frontend.inputs.offline import OfflineInputs
from llb import Platform

ROOT = Path(__file__).resolve().parent.parent
AMD64 = Platform("linux", "amd64")
SYSTEMS = ("netbsd", "freebsd")

BUNNYFILE = """\
# syntax={frontend}
version: v1
platforms: {{framework: {system}, monitor: qemu}}
toolchain: {{from: {toolchain}}}
kernel: {{from: source, source: {{local: tree}}{options}}}
rootfs: {{type: raw, include: [file:/file]}}
cmd: [/file]
"""
# The step that builds tools, the one that builds the kernel, and an option of the kernel.
STEPS = {
    "netbsd": ("build.sh tools", "build.sh kernel=HUTCH", "{INET6: false}"),
    "freebsd": ("make.py kernel-toolchain", "make.py buildkernel", "{SCTP_SUPPORT: false}"),
}


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of the steps: cold, and outside BuildKit; of the kernel's step with another option;
    and how many steps of kernel and tools run when only a file of the root filesystem changed."""

    tools: float
    bare_tools: float
    kernel: float
    bare_kernel: float
    option: float
    app_steps: int


def tree(system: str) -> Path | None:
    """The source tree that the environment names, if it does."""
    name = os.environ.get(f"HUTCH_BENCH_{system.upper()}")
    return Path(name).resolve() if name else None


def measure(system: str, source: Path, frontend: str) -> Times:
    """Build the kernel of `source` in BuildKit and outside; needs root, for a chroot."""
    with tempfile.TemporaryDirectory(prefix="hutch-bench-") as name:
        return _measure(system, source, frontend, Path(name))


def _measure(system: str, source: Path, frontend: str, directory: Path) -> Times:
    toolchain = os.environ.get("HUTCH_BENCH_NETBSD_TOOLCHAIN") if system == "netbsd" else None
    values = {
        "frontend": frontend,
        "system": system,
        "toolchain": toolchain or "debian:trixie-slim",
    }
    text = BUNNYFILE.format(options="", **values)
    tools, kernel, option = STEPS[system]
    # A namespace of its own: no cache mount has anything in it.
    fresh = f"BUILDKIT_CACHE_MOUNT_NS=bench-{uuid.uuid4().hex}"
    flags = ("--build-context", f"tree={source}", "--build-arg", fresh, "--tag", f"bench:{system}")
    (directory / "file").write_text("one\n")
    cold = build(directory, text, *flags, "--no-cache-filter", "toolchain,kernel")
    changed = BUNNYFILE.format(options=f", options: {option}", **values)
    other = build(directory, changed, *flags, "--no-cache-filter", "kernel")
    build(directory, text, *flags)
    (directory / "file").write_text("two\n")
    again = build(directory, text, *flags)
    archive = directory / "toolchain.tar"
    build(directory, text, *flags, "--target", "toolchain", "-o", f"type=tar,dest={archive}")
    bare = outside(directory, archive, source, system, text)
    return Times(
        tools=cold[f"[{system}] {tools}"],
        bare_tools=bare[tools],
        kernel=cold[f"[{system}] {kernel}"],
        bare_kernel=bare[kernel],
        option=other[f"[{system}] {kernel}"],
        app_steps=sum(f"[{system}] {step}" in again for step in (tools, kernel)),
    )


def build(directory: Path, text: str, *flags: str) -> dict[str, float]:
    """The seconds of the steps that ran, by name: one that was started again counts as one."""
    ran: dict[str, float] = {}
    for step in steps.build(directory, text, *flags):
        ran[step.name] = ran.get(step.name, 0) + step.seconds
    return ran


def outside(
    directory: Path, archive: Path, source: Path, system: str, text: str
) -> dict[str, float]:
    """Seconds of the same two commands in a chroot of the toolchain, with nothing built before."""
    root = directory / "root"
    root.mkdir()
    run("tar", "-xf", str(archive), "-C", str(root))
    archive.unlink()
    for made in ("obj", "tools"):  # what the toolchain has of the tree's own
        run("rm", "-rf", str(root / made))
    for name in ("obj/usr/src/amd64.amd64/sys", "tools", "out", "config", "hutch", "usr/src"):
        (root / name).mkdir(parents=True, exist_ok=True)
    steps.put_scripts(system, root / "hutch")
    (root / "config/HUTCH").write_text(configuration(system, source))
    tools, kernel, _ = STEPS[system]
    found = commands(text)
    return {step: _chroot(root, source, *found[f"[{system}] {step}"]) for step in (tools, kernel)}


def commands(text: str) -> dict[str, tuple[Sequence[str], Mapping[str, str]]]:
    """For each step of a kernel's build, its arguments and environment, from the build's graph."""
    loaded = load(text.encode(), "bunnyfile", plan.platform_args(AMD64, AMD64))
    made = plan.with_rootfs_type(plan.make(loaded.bunnyfile, loaded.file, AMD64), None)
    framework = frameworks.get(made.framework)
    kernel = Lowering(Build(made, framework, OfflineInputs(AMD64), AMD64)).kernel
    assert kernel is not None
    found: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}
    for op in kernel.state.marshal(platform=AMD64).ops():
        if op.kind == "exec":
            meta = op.message.exec.meta
            env = dict(variable.split("=", 1) for variable in meta.env)
            found[op.name] = (tuple(meta.args), env)
    return found


def configuration(system: str, source: Path) -> str:
    """The kernel's configuration, as the build has it."""
    framework = frameworks.get(system)
    assert isinstance(framework, BSD)
    name = framework.default_config[AMD64.architecture]
    own = ROOT / "frameworks" / system / "configs" / f"{name}.{AMD64.architecture}"
    request: dict[str, Any] = {
        **framework.request(architectures.AMD64),
        "base": None if own.is_file() else name,
        "file": str(own) if own.is_file() else None,
        "fragments": [],
        "options": [],
    }
    text, findings = kernconf.compose(request, source)
    if findings:
        raise RuntimeError("; ".join(map(str, findings)))
    return text


def _chroot(root: Path, source: Path, args: Sequence[str], env: Mapping[str, str]) -> float:
    """Seconds of a command in `root`, with /proc and /dev, and the tree at /usr/src, where what is
    written to it is kept apart."""
    layers = f"lowerdir={source},upperdir={root.parent}/upper,workdir={root.parent}/lower"
    for name in ("upper", "lower"):
        (root.parent / name).mkdir(exist_ok=True)
    script = (
        'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" &&'
        ' mount -t overlay overlay -o "$1" "$0/usr/src" && shift && exec chroot "$0" env -i "$@"'
    )
    variables = [f"{name}={value}" for name, value in env.items()]
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    start = time.monotonic()
    run("unshare", "--mount", "sh", "-c", script, str(root), layers, path, *variables, *args)
    return time.monotonic() - start
