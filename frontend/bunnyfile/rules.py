"""What a bunnyfile says that cannot all be true: keys that exclude or need each other.

Judged on the decoded file, so that each rule is a sentence. Whether a *guest* can use what the
file asks for is the plan's business (`frontend.plan`).
"""

from __future__ import annotations

import frameworks
from frameworks.diagnostics import Collector
from frameworks.runtime import RUNTIME
from frameworks.spec import Bunnyfile, Include, Kernel, LocalSource, Rootfs, Text, is_url
from frontend.bunnyfile.paths import clean
from llb import InvalidReference, Reference

_LAST_ID = (1 << 32) - 1


def check_v0(file: Bunnyfile, problems: Collector) -> None:
    """The combinations that bunny rejects (docs/contract/urunc.md 4.1), and those it gets wrong."""
    assert file.kernel is not None
    _check_images(file, problems)
    for from_ in (file.kernel.from_, file.rootfs.from_ if file.rootfs is not None else None):
        if from_ is not None and is_url(from_):
            message = f"'{from_}' is a URL, and a v0.1 file names images"
            hint = "use 'version: v1', which takes one with its checksum"
            problems.error("bad-image-reference", message, hint=hint, at=from_.at)
    if file.kernel.path is not None:
        _check_inside("kernel.path", file.kernel.path, problems)
    rootfs = file.rootfs
    if rootfs is None:
        return
    framework = file.platforms.framework
    guest = frameworks.guest(framework)
    written = rootfs.type if rootfs.type is not None and rootfs.type.at != rootfs.at else None
    if written == "block" and guest.rootfs_v01 != "raw" and "block" not in guest.rootfs:
        problems.error(
            "bad-combination",
            f"{framework} guests cannot use a root filesystem of type 'block'",
            hint="use 'initrd' or 'raw'",
            at=written.at,
        )
    _check_path(rootfs, written, problems)
    if rootfs.from_ == "local" and written == "raw":
        problems.error(
            "bad-combination",
            "a raw root filesystem cannot come from the build context as a whole",
            hint="name the files: 'from: scratch' with 'include: [...]'",
            at=rootfs.from_.at,
        )
    _check_includes(rootfs, problems)
    if rootfs.include and rootfs.from_ not in ("scratch", "local") and written != "raw":
        problems.error(
            "bad-combination",
            "files can be added to an image only if the root filesystem is raw",
            hint="add 'type: raw', or use 'version: v1'",
            at=rootfs.include[0].at,
        )


def check_v1(file: Bunnyfile, problems: Collector) -> None:
    """What v1 adds to that: kernels from source, applications, Dockerfiles, disk images."""
    _check_images(file, problems)
    kernel, rootfs = file.kernel, file.rootfs
    if kernel is None:
        # Where hutch builds the framework's kernel, the reader of the file has put that in.
        problems.error(
            "missing-kernel",
            f"a {file.platforms.framework} guest needs a kernel, and the file names none",
            hint="add 'kernel: {from: local, path: FILE}', or 'from: IMAGE'",
            at=file.platforms.framework.at,
        )
    else:
        _check_kernel(kernel, problems)
        _check_url("kernel", "kernel's file", kernel.from_, kernel.sha256, problems)
    if rootfs is not None:
        _check_rootfs(rootfs, problems)
        _check_url("rootfs", "file", rootfs.from_, rootfs.sha256, problems)
        if file.init == "auto" and rootfs.path is not None:
            problems.error(
                "bad-combination",
                "'init: auto' adds an init to the root filesystem, and 'rootfs.path' is one that "
                "exists already",
                hint="remove 'init', or name a program that is in the file: 'init: /sbin/init'",
                at=file.init.at,
            )
    if file.app is not None:
        for artifact in file.app.artifacts:
            _check_inside("app.artifacts", artifact.source, problems)
        if file.app.path is not None:
            _check_inside("app.path", file.app.path, problems)
        for origin in file.app.sysroot:
            _check_url("app.sysroot", "archive's file", origin.from_, origin.sha256, problems)
            if origin.from_ in ("source", "none") and len(file.app.sysroot) > 1:
                problems.error(
                    "bad-combination",
                    f"'{origin.from_}' stands alone in 'app.sysroot', and not in a list",
                    hint=f"write 'sysroot: {origin.from_}', or leave it out of the list",
                    at=origin.from_.at,
                )
        if file.app.artifacts and file.rootfs is not None and file.rootfs.type == "none":
            problems.error(
                "bad-combination",
                "'app.artifacts' go into the root filesystem, and it is of type 'none'",
                hint="remove 'artifacts', or choose another 'rootfs.type'",
                at=file.app.artifacts[0].source.at,
            )
    _check_runtime_keys(file, problems)


def _check_images(file: Bunnyfile, problems: Collector) -> None:
    """What names an image or a build context has a form, and the same for both."""
    for name in file.images():
        try:
            Reference.parse(name)
        except InvalidReference as error:
            problems.error("bad-image-reference", str(error), at=name.at)


def _check_url(
    section: str, what: str, from_: Text, sha256: Text | None, problems: Collector
) -> None:
    """A URL and its checksum belong together: what is fetched is pinned by its bytes."""
    if is_url(from_) and sha256 is None:
        problems.error(
            "missing-key",
            f"a URL in '{section}.from' needs 'sha256' beside it",
            hint=f"what `sha256sum` prints for the {what}",
            at=from_.at,
        )
    if sha256 is not None and not is_url(from_):
        problems.error(
            "bad-combination",
            f"'{section}.sha256' belongs to a URL in 'from'",
            hint="pin an image with its digest: name@sha256:...",
            at=sha256.at,
        )


def _check_runtime_keys(file: Bunnyfile, problems: Collector) -> None:
    """The runtime's keys that nothing else of a file says may be annotations; no others."""
    for section, pairs in (
        ("annotations", file.settings.annotations),
        ("labels", file.settings.labels),
    ):
        for key, _ in pairs:
            if not key.startswith(RUNTIME.prefix):
                continue
            name = key.removeprefix(RUNTIME.prefix)
            if name in RUNTIME.optional:
                if section == "annotations":
                    continue
                hint = "put it under 'annotations': hutch makes labels of those"
            else:
                hint = "say it with the file's own keys ('platforms', 'kernel', 'rootfs', 'cmd')"
            problems.error(
                "reserved-annotation",
                f"'{key}' in '{section}' is the runtime's: hutch writes it",
                hint=hint,
                at=key.at,
            )
    given = file.settings.runtime_keys(RUNTIME.prefix)
    RUNTIME.check(
        {name: value for name, value in given.items() if name in RUNTIME.optional}, problems
    )
    guest = frameworks.guest(file.platforms.framework)
    if file.platforms.monitor in guest.reads_solo5_keys:
        return
    for name in given:
        if name in (RUNTIME.keys.solo5_net, RUNTIME.keys.solo5_disk):
            readers = ", ".join(
                f"{each} guests on {' and '.join(tenders)}"
                for each in frameworks.TABLE
                if (tenders := frameworks.guest(each).reads_solo5_keys)
            )
            problems.error(
                "bad-combination",
                f"'{RUNTIME.prefix}{name}' is read for {readers} only",
                hint="remove it",
                at=name.at,
            )


def _check_path(rootfs: Rootfs, written: Text | None, problems: Collector) -> None:
    """`path` names one file that is the whole root filesystem."""
    path = rootfs.path
    if path is None:
        if rootfs.from_ == "local" and written != "raw":
            problems.error(
                "missing-key",
                "'rootfs' needs 'path' with 'from: local'",
                hint="name the file in the build context, for example 'path: initrd.cpio'",
                at=rootfs.from_.at,
            )
        return
    _check_inside("rootfs.path", path, problems)
    if rootfs.from_ == "scratch":
        problems.error(
            "bad-combination",
            "'rootfs.path' names a file, but 'from' does not say where it is",
            hint="add 'from: local' for the build context, or 'from: IMAGE'",
            at=path.at,
        )
    if written == "raw":
        problems.error(
            "bad-combination",
            "'rootfs.path' is one file, and a raw root filesystem is a tree of files",
            hint="remove 'path', or say 'type: initrd' or 'type: block'",
            at=path.at,
        )
    if written == "none":
        problems.error(
            "bad-combination",
            "'rootfs.path' names a root filesystem, and 'type: none' asks for none",
            hint="remove one of them",
            at=path.at,
        )


def _check_includes(rootfs: Rootfs, problems: Collector) -> None:
    if rootfs.include and rootfs.path is not None and rootfs.from_ != "local":
        problems.error(
            "bad-combination",
            "files cannot be added to a root filesystem that is one file already",
            hint="remove 'path' or 'include'",
            at=rootfs.include[0].at,
        )
    elif rootfs.include and rootfs.from_ == "local":
        problems.error(
            "bad-combination",
            "'rootfs.include' cannot be combined with 'from: local'",
            hint="'from: scratch' with 'include' builds one from files of the build context",
            at=rootfs.include[0].at,
        )
    if (
        rootfs.from_ == "scratch"
        and not rootfs.include
        and rootfs.path is None
        and rootfs.type in ("initrd", "block")
    ):
        _empty_rootfs(rootfs, problems)
    for include in rootfs.include:
        _check_include(include, problems)


def _empty_rootfs(rootfs: Rootfs, problems: Collector) -> None:
    assert rootfs.type is not None
    problems.error(
        "empty-rootfs",
        "the root filesystem would have no files",
        hint="add 'include: [...]', or start 'from' an image",
        at=rootfs.type.at,
    )


def _check_include(include: Include, problems: Collector) -> None:
    if include.from_ == "scratch":
        problems.error(
            "bad-combination",
            "there is nothing to copy from 'scratch'",
            hint="leave 'from' out for the build context, or name an image",
            at=include.from_.at,
        )
    for what, path in (("source", include.source), ("destination", include.destination)):
        _check_inside(f"rootfs.include, {what}", path, problems)
    if include.owner is not None:
        for number in include.owner.split(":"):
            if len(number) > len(str(_LAST_ID)) or int(number) > _LAST_ID:
                message = f"'{number}' is no user's or group's number: the last is {_LAST_ID}"
                problems.error("bad-value", message, at=include.owner.at)


def _check_inside(what: str, path: Text, problems: Collector) -> None:
    if clean(path) is None:
        problems.error(
            "path-escapes",
            f"'{path}' ({what}) leads outside with '..'",
            hint="paths stay inside the build context, the image or the root filesystem",
            at=path.at,
        )


def _check_kernel(kernel: Kernel, problems: Collector) -> None:
    if kernel.from_ != "source":
        if kernel.path is None:
            where = "the build context" if kernel.from_ == "local" else f"'{kernel.from_}'"
            problems.error(
                "missing-key",
                f"'kernel' needs 'path': which file of {where} is the kernel?",
                hint="for example 'path: vmlinuz'",
                at=kernel.from_.at,
            )
        else:
            _check_inside("kernel.path", kernel.path, problems)
        building = (
            ("config", kernel.config),
            ("fragments", next(iter(kernel.fragments), None)),
            ("options", kernel.options[0].name if kernel.options else None),
            ("patches", next(iter(kernel.patches), None)),
        )
        for key, value in building:
            if value is not None:
                _only_from_source(key, value, problems)
        if kernel.source is not None:
            problems.error(
                "bad-combination",
                "'kernel.source' is only read with 'from: source'",
                hint="write 'from: source', or remove it",
                at=kernel.from_.at,
            )
        return
    if kernel.path is not None:
        problems.error(
            "bad-combination",
            "'kernel.path' names a kernel that exists already, and 'from: source' builds one",
            hint="remove 'path'; the source's place goes under 'source:'",
            at=kernel.path.at,
        )
    files = [*kernel.fragments, *kernel.patches, *([kernel.config] if kernel.config else [])]
    for path in files:
        _check_inside("kernel", path, problems)
    if isinstance(kernel.source, LocalSource):
        _check_inside("kernel.source.local", kernel.source.path, problems)


def _only_from_source(key: str, value: Text, problems: Collector) -> None:
    problems.error(
        "bad-combination",
        f"'kernel.{key}' is only read with 'from: source'",
        hint="write 'from: source', or remove it",
        at=value.at,
    )


def _check_rootfs(rootfs: Rootfs, problems: Collector) -> None:
    if rootfs.from_ == "dockerfile" and rootfs.dockerfile is None:
        problems.error(
            "missing-key",
            "'rootfs' needs 'dockerfile' with 'from: dockerfile'",
            hint="for example 'dockerfile: Dockerfile'",
            at=rootfs.from_.at,
        )
    if rootfs.dockerfile is not None:
        _check_inside("rootfs.dockerfile", rootfs.dockerfile, problems)
        if rootfs.from_ != "dockerfile":
            problems.error(
                "bad-combination",
                f"'rootfs.dockerfile' is not read with 'from: {rootfs.from_}'",
                hint="write 'from: dockerfile', or remove it",
                at=rootfs.dockerfile.at,
            )
        if rootfs.path is not None:
            problems.error(
                "bad-combination",
                "'rootfs.path' is one file that exists, and a Dockerfile builds a tree",
                hint="remove 'path' or 'dockerfile'",
                at=rootfs.path.at,
            )
    if rootfs.path is not None and rootfs.dockerfile is None:
        _check_path(rootfs, rootfs.type, problems)
    if rootfs.include and rootfs.path is not None:
        problems.error(
            "bad-combination",
            "files cannot be added to a root filesystem that is one file already",
            hint="remove 'path' or 'include'",
            at=rootfs.include[0].at,
        )
    if rootfs.include and rootfs.type == "none":
        problems.error(
            "bad-combination",
            "'rootfs.include' adds files, and 'type: none' asks for no root filesystem",
            hint="remove one of them",
            at=rootfs.include[0].at,
        )
    if rootfs.packages and (rootfs.path is not None or rootfs.type == "none"):
        is_file = rootfs.path is not None
        problems.error(
            "bad-combination",
            "packages cannot be installed into a root filesystem that is one file already"
            if is_file
            else "'rootfs.packages' adds files, and 'type: none' asks for no root filesystem",
            hint="remove 'path' or 'packages'" if is_file else "remove one of them",
            at=rootfs.packages[0].at,
        )
    for include in rootfs.include:
        _check_include(include, problems)
    if rootfs.type is not None and rootfs.type != "block":
        for key, value in (
            ("filesystem", rootfs.filesystem),
            ("size", rootfs.size),
            ("mount", rootfs.mount),
        ):
            if value is not None:
                problems.error(
                    "bad-combination",
                    f"'rootfs.{key}' is only read with 'type: block'",
                    hint=f"remove it, or write 'type: block' instead of '{rootfs.type}'",
                    at=value.at,
                )
    if rootfs.mount is not None and (fault := RUNTIME.path_fault(rootfs.mount, root=True)):
        problems.error("bad-path", f"'{rootfs.mount}' {fault}", at=rootfs.mount.at)
