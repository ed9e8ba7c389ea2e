"""Lay an image's files out for the monitor, as a container engine and urunc do.

Each file keeps its owner and mode below a root of its own; the configuration of the guest's init
and of the monitor lie beside it.
"""

from __future__ import annotations

import os
import stat
import tarfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from frameworks.runtime import RUNTIME
from frameworks.runtime.machine import Contract, Files, Machine
from frontend.images.layers import ImageFiles


def place(contract: Contract, tree: ImageFiles, directory: Path, machine: Machine) -> Files:
    """Write the contract's files into `directory`, and the init's and the monitor's configuration.

    The image's are below `root`, at their own paths, with their owners (if this is root) and modes,
    as a container engine unpacks them; what urunc writes is root's and open to all, as urunc's is.
    """
    handed = RUNTIME.init_file(contract, machine)
    root = directory / "root"
    root.mkdir()
    if contract.rootfs == "share":
        tree.unpack(str(root))

    def lay(key: str) -> str | None:
        path = contract.keys.get(key)
        if not path:
            return None
        return (
            str(root / path.lstrip("/")) if contract.rootfs == "share" else _lay(tree, path, root)
        )

    kernel, initrd, block = map(lay, RUNTIME.keys.files)
    assert kernel is not None
    files = Files(kernel, initrd, block)
    if contract.rootfs == "share":
        files = replace(files, share=str(root))
    if handed is not None:
        if contract.rootfs == "initrd" and initrd is not None:
            with open(initrd, "ab") as out:
                out.write(b"\0" * (-out.tell() % 4) + handed)
        else:
            config = directory / "init.conf"
            config.write_bytes(handed)
            # For the BSDs it is a disk, which QEMU opens for writing, as the guest's user.
            config.chmod(0o644 if contract.rootfs == "share" else RUNTIME.drive_mode)
            files = replace(files, config=str(config))
    monitor = RUNTIME.monitors.get(contract.monitor)
    if monitor is not None and monitor.configuration is not None:
        files = replace(files, monitor=str(directory / "monitor.json"))
        Path(files.monitor).write_text(monitor.configuration(contract, files, machine))
        Path(files.monitor).chmod(0o644)
    return files


def _lay(tree: ImageFiles, path: str, root: Path) -> str:
    """Write the file `path` of the image below `root`, after the directories that it is in."""
    for parent in [str(each) for each in reversed(PurePosixPath(path).parents)][1:]:
        to = root / parent.lstrip("/")
        if not to.is_dir():
            to.mkdir()
            if parent in tree:
                _own(to, tree.stat(parent))
    to = root / path.lstrip("/")
    tree.save(path, str(to))
    _own(to, tree.stat(path))
    return str(to)


def _own(path: Path, info: tarfile.TarInfo) -> None:
    if os.geteuid() == 0:
        os.chown(path, info.uid, info.gid)
    path.chmod(stat.S_IMODE(info.mode))
