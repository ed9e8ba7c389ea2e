"""Remember a daemon across runs of the engine, and end it."""

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for another: its id, when it started, and in which boot."""

    pid: int
    start: str
    boot: str


def start_time(stat: str) -> str | None:
    """Field 22 of /proc/PID/stat (clock ticks since boot), or None for a zombie (proc(5))."""
    # The second field is the command's name in parentheses and may hold spaces and parentheses
    # itself.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def identify(pid: int) -> ProcessId | None:
    """The process with this id as it is now, or None when there is none."""
    try:
        start = start_time(Path(f"/proc/{pid}/stat").read_text())
    except OSError:
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return None if start is None else ProcessId(pid, start, boot)


def remember(path: Path, process: ProcessId) -> None:
    """Write the record of a running daemon."""
    path.write_text(json.dumps(asdict(process)) + "\n")


def recall(path: Path) -> ProcessId | None:
    """The daemon of this record if it is the very process that was recorded and it still runs."""
    try:
        recorded = ProcessId(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return recorded if identify(recorded.pid) == recorded else None


def stop(path: Path, patience: float = 20.0) -> bool:
    """End the recorded daemon: SIGTERM, and SIGKILL after ``patience`` seconds.

    True when there was one.
    """
    process = recall(path)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while identify(process.pid) == process:
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL)
                deadline += patience
            time.sleep(0.05)
    path.unlink(missing_ok=True)
    return process is not None
