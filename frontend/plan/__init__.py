"""From a bunnyfile to a plan: every default filled in, every claim checked against the guest.

    bunnyfile + platform + SOURCE_DATE_EPOCH ─▶ Plan

Pure. What a prebuilt root filesystem is can only be seen in its bytes, so the plan of a file that
does not say leaves `rootfs.type` open until `with_rootfs_type` is given the first of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import frameworks
from frameworks import architectures
from frameworks.base import Framework, Plan
from frameworks.diagnostics import Collector, Problems, did_you_mean
from frameworks.rootfs.detect import (
    HEAD,
    compression,
    identify,
    identify_name,
    is_compressed_disk,
    misfit,
)
from frameworks.rootfs.filesystems import TABLE
from frameworks.runtime import RUNTIME
from frameworks.spec import (
    APP,
    ROOTFS,
    TOOLCHAIN,
    Bunnyfile,
    Include,
    LocalSource,
    PackageList,
    Rootfs,
    Text,
    parse_size,
)
from frontend.bunnyfile import Unsound, shortened
from frontend.plan import effects
from llb import Platform, SourceFile
from llb.reference import context_name, context_names

if TYPE_CHECKING:
    from frontend.bunnyfile.lock import Lock

KERNEL_SOURCE = "kernel-source"
APP_SOURCE = "app-source"

__all__ = ["HEAD", "architecture", "make", "plain", "platform_args", "to_json", "with_rootfs_type"]


def architecture(bunnyfile: Bunnyfile) -> str | None:
    """The architecture that the file names, in OCI's terms (`amd64`, `arm64`), None for none.

    An unknown name is returned as it is: `make` says what is wrong with it.
    """
    said = bunnyfile.platforms.architecture
    return None if said is None else architectures.NAMES.get(said.lower(), str(said))


def platform_args(platform: Platform, worker: Platform) -> dict[str, str]:
    """The arguments that every build has (BuildKit: frontend/dockerfile/dockerfile2llb)."""
    args = {}
    for prefix, of in (("TARGET", platform), ("BUILD", worker)):
        args[f"{prefix}PLATFORM"] = str(of)
        args[f"{prefix}OS"] = of.os
        args[f"{prefix}ARCH"] = of.architecture
        args[f"{prefix}VARIANT"] = of.variant
    return args


def make(
    bunnyfile: Bunnyfile,
    file: SourceFile,
    platform: Platform,
    *,
    epoch: int | None = None,
    args: Mapping[str, str] | None = None,
    contexts: Collection[str] = (),
    lock: Lock | None = None,
    strict: bool = False,
    worker: Platform | None = None,
) -> Plan:
    """The plan to build `bunnyfile` for `platform`.

    `args` are the build arguments with a value, `contexts` the names of build contexts, of
    which some stand in for a whole source, wherever the file has it from (`_with_sources`).
    `lock` is the lock file, whose commits the bunnyfile has; what it lacks is an error if `strict`.
    `worker` is the platform of the builder, None where nobody has asked it. Raises Problems with
    everything that the framework's guests cannot take.
    """
    problems = Collector(file)
    names = context_names(contexts)
    bunnyfile = _with_sources(bunnyfile, names)
    said = bunnyfile.platforms
    name, keys = str(said.framework), bunnyfile.settings.runtime_keys(RUNTIME.prefix)
    known = name in frameworks.TABLE
    if not known and bunnyfile.version != "v1" and name.isprintable() and not _misspelled(name):
        # bunny packages whatever it is called: so is this, under its own name.
        keys[Text(RUNTIME.keys.type, said.framework.at)] = said.framework
        name = frameworks.ANY
        problems.warn(
            "UnknownFramework",
            f"hutch does not know the framework '{said.framework}', and checks nothing of it",
            hint=f"the image gets that name, which the {RUNTIME.name} that boots it has to know",
            at=said.framework.at,
        )
    if name not in frameworks.TABLE:
        problems.error(
            "unknown-framework",
            f"unknown framework '{said.framework}'",
            hint=did_you_mean(said.framework, frameworks.TABLE),
            at=said.framework.at,
        )
        problems.check()
    framework = frameworks.get(name)
    _check_monitor(framework, said.monitor, platform, problems)
    _check_architecture(bunnyfile, platform, problems)
    plan = Plan(
        framework=name,
        monitor=said.monitor,
        platform=platform,
        rootfs=_rootfs(bunnyfile, framework, problems),
        kernel=bunnyfile.kernel,
        file=file,
        version=said.version,
        toolchain=bunnyfile.toolchain,
        app=bunnyfile.app,
        init=bunnyfile.init,
        settings=bunnyfile.settings,
        keys={str(key): str(value) for key, value in keys.items()},
        args=args or {},
        contexts=frozenset(names),
        epoch=epoch,
        compat=bunnyfile.version != "v1",
    )
    plan = replace(plan, packages=_packages(bunnyfile, plan, framework, lock, worker, names))
    _check_names(bunnyfile, names, problems)
    if lock is not None:
        _check_lock(lock, plan, bunnyfile, names, problems, strict=strict)
    framework.check_steps(plan, problems)
    effects.note(bunnyfile, plan, framework, problems)
    if platform.architecture not in framework.guest.monitors.get(said.monitor, ()):
        problems.check()  # what the framework knows, it knows of what its guests run on
    framework.check(plan, problems)
    if not framework.guest.opaque and RUNTIME.first_version(framework.guest.type) is None:
        problems.warn(
            "UnsupportedRuntime",
            f"no released {RUNTIME.name} runs {frameworks.TABLE[name][1]} guests",
            hint="the image says what a runtime for them would read; QEMU runs it by hand",
            at=plan.monitor.at,
        )
    problems.check()
    return replace(plan, warnings=problems.warnings)


def _misspelled(name: str) -> bool:
    """Whether a framework's name is a known one but for a letter."""
    lowered = name.lower()
    for known in frameworks.TABLE:
        if lowered == known:
            return True
        short, long = sorted((lowered, known), key=len)
        same = len(short) == len(long)
        if len(long) - len(short) <= 1 and any(
            short[:at] + (short[at + 1 :] if same else short[at:]) == long[:at] + long[at + 1 :]
            for at in range(len(long))
        ):
            return True
    return False


def more(found: Unsound, platform: Platform, *, asked: bool, contexts: Collection[str]) -> Problems:
    """Errors in a file's keys and values, and with them those that planning finds in the rest.

    `asked` says that the platform was asked for: else the file's own architecture counts.
    """
    rest = found.rest
    if rest is None:
        return found
    said = architecture(rest.bunnyfile)
    if said in architectures.TABLE and not asked:
        platform = Platform(platform.os, said or "")
    try:
        make(rest.bunnyfile, rest.file, platform, args=rest.args, contexts=contexts)
    except Problems as planned:
        return shortened(Problems([*found.diagnostics, *rest.of(planned.diagnostics)]))
    return found


def _with_sources(bunnyfile: Bunnyfile, contexts: Collection[str]) -> Bunnyfile:
    """The file with the build contexts that stand in for a whole source, whatever it says itself.

    The kernel's is `KERNEL_SOURCE`, or the framework's own (`Framework.source_context`); that of
    the application is `APP_SOURCE`.
    """
    kernel, app = bunnyfile.kernel, bunnyfile.app
    if kernel is not None and kernel.from_ == "source":
        name = bunnyfile.platforms.framework
        own = frameworks.get(name).source_context if name in frameworks.TABLE else ""
        for context in filter(None, (KERNEL_SOURCE, own)):
            if context in contexts:
                kernel = replace(kernel, source=LocalSource(Text(context, kernel.from_.at)))
                break
    if app is not None and APP_SOURCE in contexts:
        app = replace(app, from_=Text(APP_SOURCE, app.from_.at), git=None)
    return replace(bunnyfile, kernel=kernel, app=app)


def with_rootfs_type(plan: Plan, head: bytes | None) -> Plan:
    """The plan with `rootfs.type` set by the first `HEAD` bytes of a prebuilt root filesystem.

    Without bytes (None: the command line, where images are not read) its name has to do. Raises
    Problems where neither tells, where the guest cannot take what it is, and where the bytes are
    of something that no guest takes, whatever type the file gives it.
    """
    rootfs = plan.rootfs
    if rootfs.path is None:
        return plan
    problems = Collector(plan.file)
    framework = frameworks.get(plan.framework)
    if head is not None:
        _check_content(plan, rootfs.path, head, problems)
        problems.check()
    if rootfs.type is not None:
        return plan
    kind = identify_name(rootfs.path) if head is None else identify(head)
    if kind is None:
        problems.error(
            "unknown-rootfs-file",
            f"'{rootfs.path}' is neither a cpio archive nor a file system image",
            hint="say what it is with `type: initrd` or `type: block`",
            at=rootfs.path.at,
        )
        problems.check()
    type = Text(kind or "", rootfs.path.at)
    _check_type(framework, type, problems)
    if kind == "initrd" and rootfs.mount is not None:
        problems.error(
            "bad-combination",
            f"'rootfs.mount' is only read with a disk image, and '{rootfs.path}' is an initrd",
            hint="remove it",
            at=rootfs.mount.at,
        )
    problems.check()
    return replace(plan, rootfs=_with_block_defaults(replace(rootfs, type=type), framework))


def _check_content(plan: Plan, path: Text, head: bytes, problems: Collector) -> None:
    """Note what is no root filesystem, by its first bytes."""
    if frameworks.guest(plan.framework).own_format:
        return
    type = plan.rootfs.type
    what, hint = misfit(head, path), ""
    if not what and type == "block":
        how = compression(head)
        if how:
            what, hint = f"compressed with {how}", "unpack it: a disk is read as it is"
        elif identify(head) == "initrd":
            what, hint = "a cpio archive", "write 'type: initrd'"
    elif not what and type == "initrd" and identify(head) == "block":
        what, hint = "a file system image", "write 'type: block'"
    if not what and type != "block" and is_compressed_disk(head):
        what, hint = "a compressed file system image", "unpack it, and write 'type: block'"
    if not what:
        return
    if "archive" in what and not hint:
        hint = "take its files with 'rootfs.include', which unpacks an archive by URL; or make a "
        hint += "cpio archive of them (cpio -o -H newc)"
    elif "disk" in what:
        hint = "guests read a bare file system: 'qemu-img convert -O raw', and of partitions the "
        hint += "one with the root"
    wrong = "no guest can use that as its root filesystem"
    if hint.startswith("write "):
        wrong = f"'type: {type}' says something else"
    problems.error(
        "unusable-rootfs-file",
        f"'{path}' is {what}, and {wrong}",
        hint=hint or "name the file of a root filesystem: a cpio archive or a disk image",
        at=path.at,
    )


def plain(value: object) -> Any:
    """A part of a plan as JSON values."""
    if isinstance(value, SourceFile):
        return value.filename
    if isinstance(value, Platform):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name.rstrip("_"): plain(getattr(value, name)) for name in asdict(value) if name != "at"
        }
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return str(value) if isinstance(value, Text) else value


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values, without the file's bytes and the positions in it."""

    shown = plain(plan)
    assert isinstance(shown, dict)
    return shown


def _check_monitor(
    framework: Framework, monitor: Text, platform: Platform, problems: Collector
) -> None:
    monitors = framework.guest.monitors
    if platform.os != RUNTIME.system:
        problems.error(
            "unsupported-platform",
            f"{RUNTIME.name} runs on Linux hosts, and starts no image for {platform}",
            hint=f"use --platform linux/{platform.architecture}",
            at=monitor.at,
        )
    elif monitor not in monitors:
        problems.error(
            "unsupported-monitor",
            f"{framework.name} guests do not run on the monitor '{monitor}'",
            hint=did_you_mean(monitor, monitors),
            at=monitor.at,
        )
    elif platform.architecture not in monitors[monitor]:
        problems.error(
            "unsupported-platform",
            f"{framework.name} on {monitor} cannot be built for {platform}",
            hint="it can be for: " + ", ".join(f"linux/{name}" for name in monitors[monitor]),
            at=monitor.at,
        )


def _check_architecture(bunnyfile: Bunnyfile, platform: Platform, problems: Collector) -> None:
    said = bunnyfile.platforms.architecture
    name = architecture(bunnyfile)
    if said is None or name == platform.architecture:
        return
    if name not in architectures.TABLE:
        problems.error(
            "unknown-architecture",
            f"unknown architecture '{said}'",
            hint=did_you_mean(said, architectures.NAMES),
            at=said.at,
        )
    else:
        problems.error(
            "architecture-contradiction",
            f"the file says architecture '{said}', the build asks for {platform}",
            hint="leave `architecture` out and let --platform decide",
            at=said.at,
        )


def _packages(
    bunnyfile: Bunnyfile,
    plan: Plan,
    framework: Framework,
    lock: Lock | None,
    worker: Platform | None,
    contexts: Collection[str],
) -> dict[str, PackageList]:
    """The lists of packages that are made use of, with the files that a lock has of them."""
    lists: dict[str, PackageList] = {}
    if plan.rootfs.packages:
        lists[ROOTFS] = PackageList(plan.rootfs.packages)
    below = plan.toolchain.packages
    if below and effects.used("toolchain.packages", bunnyfile, plan, framework):
        lists[TOOLCHAIN] = PackageList(below)
    app = plan.app
    named = app.packages if app is not None else ()
    if named and effects.used("app.packages", bunnyfile, plan, framework):
        lists[APP] = PackageList(named, over=below)
    if lock is None:
        return lists

    def locked(section: str, said: PackageList) -> PackageList:
        base = _base(section, bunnyfile, plan, framework, contexts)
        return replace(said, files=lock.files(section, said, plan.platform, worker, base))

    return {section: locked(section, said) for section, said in lists.items()}


def _base(
    section: str,
    bunnyfile: Bunnyfile,
    plan: Plan,
    framework: Framework,
    contexts: Collection[str],
) -> tuple[str, ...] | None:
    """The images that a section's packages are over; None where a build context stands in."""
    if section == ROOTFS:
        image = str(plan.rootfs.from_)
        if image not in map(str, bunnyfile.images()):
            return ()
    else:
        said = plan.toolchain.from_
        image = framework.toolchain_image() if said is None or said == "source" else str(said)
    return None if context_name(image) in contexts else (image,)


def _check_lock(
    lock: Lock,
    plan: Plan,
    bunnyfile: Bunnyfile,
    contexts: Collection[str],
    problems: Collector,
    *,
    strict: bool,
) -> None:
    """Note what the lock file should pin, and does not."""
    for word in lock.lacking(bunnyfile, plan.packages, contexts):
        message = f"'{word}' is not in the lock file"
        if strict:
            hint = "add it with 'hutch lock'"
            problems.error("not-locked", message, hint=hint, at=word.at)
        else:
            hint = "add it with 'hutch lock': until then it is what it is on the day of the build"
            problems.warn("UnlockedSource", message, hint=hint, at=word.at)


_WORDS = {
    "scratch": "'scratch' is nothing",
    "local": "'local' is the build context",
    "dockerfile": "'dockerfile' is a Dockerfile's result",
    "source": "'source' is what hutch builds",
}
"""Words that some `from` takes. Where another takes them not, no image is meant by them."""


def _check_names(bunnyfile: Bunnyfile, contexts: Collection[str], problems: Collector) -> None:
    """A word that means something in another `from` is no image's name, unless a context has it."""
    for name in bunnyfile.images():
        if name in _WORDS and name not in contexts:
            problems.error(
                "bad-image-reference",
                f"{_WORDS[name]}, which cannot be used in this place",
                hint="name an image, or give a build context of that name: "
                f"--build-context {name}=...",
                at=name.at,
            )


def _rootfs(bunnyfile: Bunnyfile, framework: Framework, problems: Collector) -> Rootfs:
    """The root filesystem with its defaults; a file that names none gets none."""
    rootfs = bunnyfile.rootfs
    if rootfs is None:
        at = bunnyfile.platforms.framework.at
        if bunnyfile.app is None or not bunnyfile.app.artifacts:
            return Rootfs(at, Text("scratch", at), type=Text("none", at))
        rootfs = Rootfs(at, Text("scratch", at))
    if rootfs.type is None and rootfs.path is None:
        rootfs = replace(rootfs, type=Text(framework.guest.rootfs[0], rootfs.at))
    if rootfs.type is not None:
        _check_type(framework, rootfs.type, problems)
    for include in rootfs.include:
        _check_archive(include, problems)
    if rootfs.size is not None:
        try:
            parse_size(rootfs.size)
        except ValueError as error:
            problems.error("bad-size", str(error), hint="write it as 64M or 1G", at=rootfs.size.at)
    return _with_block_defaults(rootfs, framework, problems)


def _check_archive(include: Include, problems: Collector) -> None:
    """A URL and its checksum belong together: what is fetched is pinned by its bytes."""
    if include.is_archive and include.sha256 is None:
        problems.error(
            "missing-key",
            f"an archive by URL needs 'sha256': {include.from_}",
            hint="what `sha256sum` prints for the archive's file",
            at=include.from_.at,
        )
    if include.sha256 is not None and not include.is_archive:
        problems.error(
            "bad-combination",
            "'sha256' belongs to the URL of an archive in 'from'",
            hint="pin an image with its digest: name@sha256:...",
            at=include.sha256.at,
        )


def _with_block_defaults(
    rootfs: Rootfs, framework: Framework, problems: Collector | None = None
) -> Rootfs:
    guest = framework.guest
    if rootfs.type != "block" or "block" not in guest.rootfs:
        return rootfs  # that the guest has no such root is an error already
    mount = rootfs.mount or Text(guest.mount, rootfs.at)
    filesystem = rootfs.filesystem
    if filesystem is None and guest.filesystems:
        filesystem = Text(guest.filesystems[0].name, rootfs.at)
    mounted = [each.name for each in guest.filesystems]
    if problems is not None:
        if rootfs.filesystem is not None and rootfs.filesystem not in mounted:
            problems.error(
                "unsupported-filesystem",
                f"{framework.name} guests cannot mount '{rootfs.filesystem}'",
                hint=did_you_mean(rootfs.filesystem, mounted),
                at=rootfs.filesystem.at,
            )
        _check_size(rootfs, filesystem, problems)
        if mount == "/" and guest.mount != "/":
            problems.error(
                "unsupported-mount",
                f"{framework.name} guests cannot mount a block image at /",
                hint=f"use `mount: {guest.mount}`",
                at=mount.at,
            )
    return replace(rootfs, mount=mount, filesystem=filesystem)


def _check_size(rootfs: Rootfs, filesystem: Text | None, problems: Collector) -> None:
    """Note a size that the file system cannot have; one that none can have is noted already."""
    known = TABLE.get(filesystem or "")
    if known is None or not known.largest or rootfs.size is None or rootfs.path is not None:
        return
    try:
        size = parse_size(rootfs.size)
    except ValueError:
        return
    if size > known.largest:
        problems.error(
            "bad-size",
            f"'{rootfs.size}' is more than {known.limits.name} can have",
            hint=f"it takes {known.largest >> 30}G at most",
            at=rootfs.size.at,
        )


def _check_type(framework: Framework, type: Text, problems: Collector) -> None:
    if type not in framework.guest.rootfs:
        problems.error(
            "unsupported-rootfs",
            f"{framework.name} guests cannot use a root filesystem of type '{type}'",
            hint=did_you_mean(type, framework.guest.rootfs),
            at=type.at,
        )
