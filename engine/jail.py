"""Run a program inside a Debian root, in mount and PID namespaces of its own.

runc refuses to start containers under a plain chroot, for it needs ``/`` to be a mount point: hence
pivot_root(2). The PID namespace makes the end certain: when its first process dies, the kernel
kills all the others, and the mount namespace with every mount in it goes with them. The network
stays the host's, so that a registry on a loopback port is the same for both.
"""

import ctypes
import os
import platform
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.report import EngineError

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SHARED = 0x100000
MNT_DETACH = 2
# pivot_root(2) has no function in glibc, only a number.
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Jail:
    """A root directory and what of the host is seen in it.

    ``shared`` are directories that keep their path inside; ``files`` maps a path inside to a file
    of the host.
    """

    root: Path
    shared: tuple[Path, ...] = ()
    files: tuple[tuple[str, Path], ...] = ()


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(libc: ctypes.CDLL, source: str, target: str, kind: str | None, flags: int) -> None:
    encoded = kind.encode() if kind else None
    result = libc.mount(
        source.encode(), target.encode(), encoded, ctypes.c_ulong(flags), ctypes.c_char_p(None)
    )
    _check(result, f"mount {source} on {target}")


def _bind(libc: ctypes.CDLL, source: Path, root: Path, inside: str) -> None:
    target = root / inside.lstrip("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    elif not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # a dangling link
        target.touch()
    _mount(libc, str(source), str(target.resolve()), None, MS_BIND | MS_REC)


def _enter(libc: ctypes.CDLL, jail: Jail) -> None:
    """Make the jail's root ``/``; runs as the first process of the new namespaces."""
    number = PIVOT_ROOT[platform.machine()]
    root = jail.root
    _mount(libc, "none", "/", None, MS_REC | MS_PRIVATE)
    _mount(libc, str(root), str(root), None, MS_BIND | MS_REC)
    _mount(libc, "proc", str(root / "proc"), "proc", 0)
    _mount(libc, "/sys", str(root / "sys"), None, MS_BIND | MS_REC)
    _mount(libc, "/dev", str(root / "dev"), None, MS_BIND | MS_REC)
    for scratch in ("run", "tmp"):
        _mount(libc, "tmpfs", str(root / scratch), "tmpfs", 0)
    for directory in jail.shared:
        _bind(libc, directory, root, str(directory))
    for inside, source in jail.files:
        _bind(libc, source, root, inside)
    os.chdir(root)
    # The old root lands on top of the new one and is then let go (pivot_root(2), "pivot_root(".",
    # ".")").
    _check(libc.syscall(ctypes.c_long(number), b".", b"."), "pivot_root")
    _check(libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")
    # Docker wants shared propagation at `/`; the peers are in this namespace only.
    _mount(libc, "none", "/", None, MS_REC | MS_SHARED)


def spawn(
    jail: Jail, argv: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> int:
    """Start ``argv`` as process 1 of new namespaces and return its process id on the host.

    Its output goes to ``log``. It outlives the caller. Raises EngineError when it cannot be
    started.
    """
    if platform.machine() not in PIVOT_ROOT:
        raise EngineError(f"the engine does not run on {platform.machine()} machines")
    libc = _libc()
    environment = {"PATH": PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **(environ or {})}
    reader, writer = os.pipe()
    middle = os.fork()
    if middle == 0:
        try:
            os.setsid()
            _check(libc.unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare")
            first = os.fork()
            if first != 0:
                os.write(writer, f"{first}\n".encode())
                os._exit(0)
            # SIGINT of the user's terminal must not reach the daemon; a new session sees to that.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for number, descriptor in enumerate((nothing, output, output)):
                os.dup2(descriptor, number)
            _enter(libc, jail)
            os.execve(argv[0], list(argv), environment)
        except BaseException as error:
            os.write(writer, f"!{error}\n".encode())
        finally:
            os._exit(127)
    os.close(writer)
    os.waitpid(middle, 0)
    # The write end closes when argv is executed (it is close-on-exec), so this reads to the end.
    with os.fdopen(reader, "rb") as stream:
        lines = stream.read().decode(errors="replace").splitlines()
    failures = [line[1:] for line in lines if line.startswith("!")]
    pids = [line for line in lines if line.isdigit()]
    if failures or not pids:
        raise EngineError(f"cannot start {argv[0]} in {jail.root}: {'; '.join(failures)}")
    return int(pids[0])
