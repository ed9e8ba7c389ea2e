"""Lint of a built image: what only its files tell, once they are there.

Each check has the name of its rule (`frontend.lint.rules`), and runs after the steps. As little as
possible is read: a file's size, and a few of its bytes. Only of a prebuilt Linux kernel that is to
mount its root more is read (`frameworks.linux.built`).
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

import frameworks
from frameworks import architectures, kernelfile
from frameworks.base import File as Placed
from frameworks.diagnostics import Diagnostic
from frameworks.rootfs import detect, superblock
from frameworks.rootfs.filesystems import TABLE
from frameworks.runtime import RUNTIME, monitors
from frameworks.spec import Settings, Text, parse_size
from frontend.gateway.errors import GatewayError
from frontend.inputs.files import BuiltFile
from frontend.inputs.kernel import identify
from frontend.lint import access, command, links
from frontend.lint.findings import finding
from frontend.lint.tree import Tree
from llb import strictjson

if TYPE_CHECKING:
    from frameworks.base import Plan
    from frameworks.lower import Lowering
    from frameworks.process import Process
    from frameworks.rootfs.lookup import File
    from frontend.gateway.client import Client, Ref
    from frontend.gateway.files import FileStat
    from llb import Range


_KEYS = RUNTIME.keys

_MIB = 1 << 20
_GZIP = b"\x1f\x8b"
_SMALL = 64 * _MIB
"""An image with less than that to spare is not worth a word."""

_OWN_KERNEL = 32
"""What of a guest's memory is the kernel's own, in MiB; `Guest.kernel_memory` is a distribution's.

Measured with QEMU and Linux 6.12, archive and content together, with -m 268M: hutch's microvm
kernel unpacks 238 MiB and panics at 241 (amd64), 243 and 245 (arm64); Debian's kernel 201 and 205
(its cloud kernel for amd64), 153 and 157 (arm64). How they are compressed makes no difference.
"""


@dataclass(frozen=True, slots=True)
class Look:
    """A rule, a file that it looks at, and what it finds there (None if all is well)."""

    rule: str
    at: str
    """Which file: the plan's "kernel" or "rootfs", what a packing step could not keep ("report":
    `frameworks.steps.pack.Report`), or the runtime's key that names one of the image's files
    (`RUNTIME.keys.files`)."""
    judge: Callable[[Plan, File], Diagnostic | None]


def placed(lowering: Lowering, at: str) -> Placed | None:
    """The file that `Look.at` means, and the state that it is in.

    One that was prebuilt is looked at where it lies: there a build has read it before.
    """
    if at == "kernel":
        return lowering.kernel
    if at == "rootfs":
        return lowering.rootfs.file
    if at == "report":
        return lowering.rootfs.report
    tree = lowering.rootfs.tree
    path = posixpath.join("/", lowering.plan.keys[at])
    return None if tree is None else Placed(tree, path)


def looks(plan: Plan) -> Iterator[Look]:
    """The rules that have something to look at in a plan's image.

    What hutch builds is right: a kernel is checked as it is built, and an image without a given
    size fits its content.
    """
    kernel, rootfs = plan.kernel, plan.rootfs
    known = not frameworks.guest(plan.framework).opaque
    if kernel is not None and kernel.from_ != "source" and known:
        yield Look("UnbootableKernel", "kernel", _kernel)
        if _root(plan) is not None:
            yield Look("UnusableRootfs", "kernel", _drivers)
    if _KEYS.kernel in plan.keys and kernel is None and known:
        yield Look("UnbootableKernel", _KEYS.kernel, _kernel)
        if _root(plan) is not None:
            yield Look("UnusableRootfs", _KEYS.kernel, _drivers)
    if _KEYS.initrd in plan.keys:
        yield Look("LargeInitrd", _KEYS.initrd, _initrd)
    if _KEYS.disk in plan.keys:
        yield Look("OversizedImage", _KEYS.disk, _image)
    if rootfs.type == "initrd":
        yield Look("LargeInitrd", "rootfs", _initrd)
    elif rootfs.type == "block":
        small = rootfs.size is None or parse_size(rootfs.size) <= _SMALL
        if rootfs.path is not None or not small:
            yield Look("OversizedImage", "rootfs", _image)
    mounts = frameworks.guest(plan.framework).mounts_disk
    if rootfs.path is not None and rootfs.type == "block" and mounts:
        yield Look("UnusableRootfs", "rootfs", _superblock)
    if rootfs.path is None and rootfs.type in ("initrd", "block"):
        if rootfs.type == "initrd":
            yield Look("LostCapabilities", "report", _capabilities)
        if rootfs.type == "initrd" or not TABLE[rootfs.filesystem or ""].one_time:
            yield Look("ChangedTimes", "report", _times)


def unstartable(plan: Plan, process: Process, file: File) -> Diagnostic | None:
    """What is to be said of a prebuilt root `file` that has no program to start in it.

    The runtime hands the first word of the command to the kernel as the init
    (docs/contract/urunc.md 2.2).
    """
    from frameworks.rootfs import lookup

    first = process.args[0] if process.args else ""
    if not first.startswith("/"):
        return None
    try:
        found = lookup.find(file, first)
    except lookup.Unknown:
        return None
    wrong = ""
    if found is None:
        wrong = "is not in this root filesystem"
    elif not stat.S_ISREG(found.mode) or not found.mode & 0o111:
        wrong = "is no program: it is no file that can be executed"
    elif found.head.startswith(b"\x7fELF"):
        machine = architectures.of_elf(int.from_bytes(found.head[18:20], "little"))
        ours = plan.platform.architecture
        if machine != ours:
            wrong = f"is for {machine or 'another architecture'}, and the guest for {ours}"
    if not wrong:
        return None
    settings, root = plan.settings, plan.rootfs
    said = [*(settings.entrypoint or ()), *(settings.cmd or ())]
    return finding(
        "UnstartableRoot",
        f"'{first}' is what the guest starts first, and {wrong}",
        "name a program that is in the file, with its whole path",
        said[0].at if said and said[0] == first else (root.path or root.from_).at,
        plan.file,
    )


_INITS = frozenset(
    ("init", "systemd", "openrc-init", "runit-init", "s6-svscan", "s6-linux-init", "dinit")
)
"""Programs that have to be process 1, by the names of their files."""


def second_init(plan: Plan, process: Process) -> Diagnostic | None:
    """What is to be said of a command that is an init, behind the one that hutch puts before it."""
    first, *rest = (*process.args, "")
    if first != RUNTIME.init or plan.init not in (None, "auto") or not rest:
        return None
    command = rest[0]
    if not command.startswith("/") or posixpath.basename(command) not in _INITS:
        return None
    settings = plan.settings
    said = [*(settings.entrypoint or ()), *(settings.cmd or ())]
    at = said[0].at if said else plan.rootfs.from_.at
    return finding(
        "SecondInit",
        f"'{command}' is an init, which has to be the first program: hutch's init comes before it",
        "write 'init: none', or in a Dockerfile 'LABEL hutch.init=none'",
        at,
        plan.file,
    )


def lost(plan: Plan, process: Process) -> Iterator[Diagnostic]:
    """What of a process, its base's part included, does not reach the guest (LostWithoutInit).

    In a Dockerfile all of that is in the image's config, and the setting about the init is what is
    to be looked at.
    """
    from frontend.bunnyfile import kind_of
    from frontend.lint.filechecks import lost_without_init

    said, at = plan.settings, (plan.init or plan.rootfs.from_).at
    of_dockerfile = kind_of(plan.file.data) == "dockerfile"
    if of_dockerfile:
        if plan.init == "none" and _brings_root(plan):
            return  # nobody asked for it: ours cannot be put into a file that is there already
        said = Settings()
    for found in lost_without_init(plan.framework, plan.init, said, process, at):
        hint = found.hint
        if of_dockerfile:
            hint = hint.replace("'init: none'", "'hutch.init=none'")
        yield finding("LostWithoutInit", found.message, hint, found.at, plan.file)


def given_root(plan: Plan) -> str:
    """Which file of a Linux image is a root that hutch did not make, as `Look.at`; "" for none."""
    if not frameworks.guest(plan.framework).tells_configuration:
        return ""
    if plan.rootfs.path is not None:
        return "rootfs"
    return _brings_root(plan)


def _brings_root(plan: Plan) -> str:
    """The runtime's key by which an image brings a root that is a file; "" for none."""
    return _KEYS.root(plan.keys)


def _root(plan: Plan) -> tuple[str, Range | None] | None:
    """The type of a root for which a Linux kernel needs drivers, and where the file says so."""
    type, keys = plan.rootfs.type, plan.keys
    if not frameworks.guest(plan.framework).tells_configuration:
        return None
    named = _KEYS.root(keys)
    if named == _KEYS.initrd:  # which the runtime takes first
        return None
    if type in ("block", "raw"):
        return type, type.at
    if named:
        return "block", place(keys[named])
    return None


def _drivers(plan: Plan, file: File) -> Diagnostic | None:
    """What a kernel says of its drivers for the root: by its configuration, or by who built it."""
    from frameworks.linux import built, roots

    root, kernel, rootfs = _root(plan), plan.kernel, plan.rootfs
    assert root is not None
    kind, at = root
    # What a prebuilt image holds is not known here.
    packed = rootfs.type == "block" and rootfs.path is None
    needed = roots.ways(kind, plan.monitor, str(rootfs.filesystem or "") if packed else "")
    said = built.version(file.read)
    lacks: tuple[str, ...] = ()
    options: Mapping[str, str] = {}
    whose = built.maker(said, needed)
    if not whose:
        build = built.scan(file.read)
        if build.options is not None:
            options = build.options
            lacks = built.lacking(options, needed)
        else:
            said = build.version or said
            whose = built.maker(said, needed)
    if whose:
        what = "disks" if kind == "block" else "shared directories"
        wrong = (
            f"this is {whose} kernel {said.split(' ')[0]}, which has its drivers for {what} in "
            "modules, and nothing loads those"
        )
    elif lacks:
        each = (f"{name} ({'a module' if options.get(name) == 'm' else 'off'})" for name in lacks)
        wrong = f"by its own configuration this kernel has not built in {', '.join(each)}"
        if any(options.get(name) == "m" for name in lacks):
            wrong += ", and nothing loads modules"
    else:
        return None
    return finding(
        "UnusableRootfs",
        f"{wrong}: the guest finds no root filesystem",
        "use 'type: initrd', or a kernel 'from: source'",
        at if at is not None or kernel is None else (kernel.path or kernel.from_).at,
        plan.file,
    )


def _kernel(plan: Plan, file: File) -> Diagnostic | None:
    """A warning only: what was linked for Solo5 before its ABI note, old tenders take."""
    kernel = plan.kernel
    found = identify(file)
    wrong = kernelfile.complaint(found, str(plan.monitor), plan.platform.architecture)
    if not wrong:
        return None
    return finding(
        "UnbootableKernel",
        f"{plan.monitor} cannot boot this kernel: {wrong}",
        "take the kernel's file for that monitor, or name the monitor that it is for",
        place(plan.keys[_KEYS.kernel]) if kernel is None else (kernel.path or kernel.from_).at,
    )


def _initrd(plan: Plan, file: File) -> Diagnostic | None:
    """Linux and Unikraft have archive and content in memory at once, while they unpack it."""
    size = needed = file.size
    guest = frameworks.guest(plan.framework)
    if guest.unpacks_initrd:
        needed += _content(file, size)
    kernel = plan.kernel
    taken = _OWN_KERNEL
    if kernel is None or kernel.from_ != "source":
        taken = guest.kernel_memory.get(plan.platform.architecture, _OWN_KERNEL)
    memory = monitors.get(plan.monitor).memory(RUNTIME.memory)
    if needed <= (memory - taken) * _MIB:
        return None
    rootfs = plan.rootfs
    at = (rootfs.path or rootfs.type or plan.monitor).at
    return finding(
        "LargeInitrd",
        f"this initrd of {_mib(size)} MiB takes {_mib(needed)} MiB while the guest starts, and a "
        f"guest has {memory} MiB, its kernel's included, unless the container has a limit",
        "with 'type: block' it stays on a disk; or give containers more memory (docker run -m 1g)",
        place(plan.keys.get(_KEYS.initrd, ""), at),
    )


def _content(file: File, size: int) -> int:
    """How large an archive's content is, at least: of the compressed ones only gzip's end tells."""
    if file.read(0, len(_GZIP)) != _GZIP:
        return size
    return max(size, int.from_bytes(file.read(size - 4, 4), "little"))


def _superblock(plan: Plan, file: File) -> Diagnostic | None:
    """A warning only: no list of file systems is complete, and a kernel may have one more."""
    if detect.identify(file.read(0, min(file.size, detect.HEAD))) == "block":
        return None
    rootfs = plan.rootfs
    return finding(
        "UnusableRootfs",
        f"'{rootfs.path}' has no file system that is known here at its start",
        "a guest mounts the whole disk: name the image of the file system itself",
        (rootfs.path or plan.monitor).at,
    )


def _image(plan: Plan, file: File) -> Diagnostic | None:
    rootfs = plan.rootfs
    space = superblock.read(file.read(0, superblock.HEAD))
    if space is None or space.free <= max(_SMALL, space.total * 3 // 4):
        return None
    hint = "make the file system smaller, for example with resize2fs -M"
    if rootfs.path is None and _KEYS.disk not in plan.keys:
        hint = "make 'size' smaller, or leave it out: then the image fits its content"
    return finding(
        "OversizedImage",
        f"{_mib(space.free)} of the {_mib(space.total)} MiB of this disk image are free, and every "
        "host that pulls it stores them",
        hint,
        place(plan.keys.get(_KEYS.disk, ""), (rootfs.size or rootfs.path or plan.monitor).at),
    )


def place(value: str, otherwise: Range | None = None) -> Range | None:
    """Where a key's value stands in the build file, if it does."""
    return value.at if isinstance(value, Text) else otherwise


def _capabilities(plan: Plan, file: File) -> Diagnostic | None:
    return _lost(
        plan,
        file,
        "LostCapabilities",
        "capabilities",
        "an initrd does not hold capabilities (setcap), which {} of this root filesystem had: {}",
        "use 'type: block', or run them as root",
    )


def _times(plan: Plan, file: File) -> Diagnostic | None:
    return _lost(
        plan,
        file,
        "ChangedTimes",
        "times",
        "this format does not hold the times of {}, which get the nearest that it does: {}",
        "give them a time between 1970 and 2038",
    )


def _lost(
    plan: Plan, file: File, rule: str, key: str, message: str, hint: str
) -> Diagnostic | None:
    """A diagnostic for what the report has under `key`: a count, and the first names."""
    count, names = strictjson.loads(file.read(0, file.size))[key]
    if not count:
        return None
    more = f" and {count - len(names)} more" if count > len(names) else ""
    files = "1 file" if count == 1 else f"{count} files"
    rootfs = plan.rootfs
    return finding(
        rule,
        message.format(files, ", ".join(names) + more),
        hint,
        (rootfs.filesystem or rootfs.type or plan.monitor).at,
    )


def _mib(size: int) -> int:
    return size // _MIB


class Built:
    """An image of one platform that is there to be looked at, and what was noted as it was made.

    Nothing of it is fetched before a check asks for it: of an image that a file is from, nothing
    else is to be pulled.
    """

    def __init__(
        self,
        lowering: Lowering,
        client: Client,
        solve: Callable[[Placed], Ref],
        noted: Collection[Diagnostic] = (),
    ) -> None:
        """`solve` gives the result that a file is in."""
        self.plan = lowering.plan
        self.process = lowering.rootfs.process
        self.noted = noted
        self._lowering = lowering
        self._client = client
        self._solve = solve
        self._files: dict[str, BuiltFile | None] = {}

    def file(self, at: str) -> BuiltFile | None:
        """The file that `Look.at` means; None where the image has none."""
        if at not in self._files:
            file = placed(self._lowering, at)
            self._files[at] = (
                BuiltFile(self._client, self._solve(file), file.path) if file else None
            )
        return self._files[at]

    @cached_property
    def tree(self) -> Tree | None:
        """The files that a root filesystem is, or was made of; None where it was given packed."""
        root = self._lowering.rootfs
        files = root.packed if root.tree is None else root.tree
        if files is None:
            return None
        client, ref = self._client, self._solve(Placed(files, "/"))

        def entry(path: str) -> FileStat | None:
            folder, name = posixpath.split(path)
            listed = client.read_dir(ref, folder, include=name)
            return next((each for each in listed if each.path == name), None)

        def read(path: str, length: int) -> bytes | None:
            return _or_none(partial(client.read_file, ref, length=length))(path)

        return Tree(_or_none(partial(client.stat_file, ref)), read, _or_none(entry))


T = TypeVar("T")


def _or_none(ask: Callable[[str], T | None]) -> Callable[[str], T | None]:
    """`ask`, with None for what is not there, or is no file to read."""

    def answer(path: str) -> T | None:
        try:
            return ask(path)
        except GatewayError:
            return None

    return answer


Check = Callable[[Built], Iterator[Diagnostic | None]]


def _in_files(rule: str) -> Check:
    """The check of a rule that looks at single files: its rows of `looks`."""

    def check(built: Built) -> Iterator[Diagnostic | None]:
        for look in looks(built.plan):
            if look.rule == rule and (file := built.file(look.at)) is not None:
                yield look.judge(built.plan, file)

    return check


def _noted(rule: str) -> Check:
    """The check of a rule that a step of the build comes upon."""
    return lambda built: (each for each in built.noted if each.code == rule)


def _unstartable(built: Built) -> Iterator[Diagnostic | None]:
    at = given_root(built.plan)
    if at and (file := built.file(at)) is not None:
        yield unstartable(built.plan, built.process, file)


def _second_init(built: Built) -> Iterator[Diagnostic | None]:
    yield second_init(built.plan, built.process)


def _without_init(built: Built) -> Iterator[Diagnostic | None]:
    return lost(built.plan, built.process)


def _closed(built: Built) -> Iterator[Diagnostic | None]:
    if access.wanted(built.plan, built.process) and built.tree is not None:
        yield access.judge(built.plan, built.process, built.tree)


def _dangling(built: Built) -> Iterator[Diagnostic | None]:
    if links.kept(built.plan) and built.tree is not None:
        yield from links.judge(built.plan, built.tree)


def _unrunnable(built: Built) -> Iterator[Diagnostic | None]:
    if command.wanted(built.plan) and built.tree is not None:
        yield command.judge(built.plan, built.process, built.tree)


def _no_command(built: Built) -> Iterator[Diagnostic | None]:
    if command.wanted(built.plan) and built.tree is not None:
        yield command.nothing(built.plan, built.process)


CHECKS: dict[str, Check] = {
    "UnusableRootfs": _in_files("UnusableRootfs"),
    "UnbootableKernel": _in_files("UnbootableKernel"),
    "LargeInitrd": _in_files("LargeInitrd"),
    "OversizedImage": _in_files("OversizedImage"),
    "LostCapabilities": _in_files("LostCapabilities"),
    "ClosedFile": _closed,
    "DanglingLink": _dangling,
    "ChangedTimes": _in_files("ChangedTimes"),
    "NoCommand": _no_command,
    "UnstartableRoot": _unstartable,
    "UnrunnableCommand": _unrunnable,
    "SecondInit": _second_init,
    "LostWithoutInit": _without_init,
    "NoScanner": _noted("NoScanner"),
}
"""The checks of an image by the names of their rules."""


def lint(built: Built, applies: Callable[[str], bool]) -> Iterator[Diagnostic]:
    """What the checks of the rules that apply find in an image."""
    for name, check in CHECKS.items():
        if applies(name):
            yield from filter(None, check(built))
