"""The configuration of the guest's init as the build writes it, for guests without a runtime.

The wire format is urunc's (docs/contract/urunc.md 3) in its NUL form, which config.c of this
folder reads.
"""

from __future__ import annotations

from frameworks.process import Process

PATH = "/.hutch/init.conf"
"""Where the init programs look for it in the root filesystem."""


def render(process: Process, *, power_off: bool = False) -> bytes:
    """The file's bytes. ValueError when a value has a NUL, which no process could be given.

    `power_off` is whether the guest ends by powering off, where a reboot would start it anew.
    """
    process_records = [
        f"USR:{process.user}" if process.user else "UID:0",
        *([] if process.user else ["GID:0"]),
        f"WD:{process.workdir or '/'}",
        f"ARC:{len(process.args)}",
        *(f"ARV:{argument}" for argument in process.args),
        *(f"PRT:{port}" for port in process.ports),
        *(["END:poweroff"] if power_off else []),
    ]
    records = [
        "UES",
        *(f"{name}={value}" for name, value in process.env.items()),
        "UEE",
        "UCS",
        *process_records,
        "UCE",
        "UBS",
        "UBE",
    ]
    for record in records:
        if "\0" in record:
            raise ValueError(f"a NUL in {record!r}")
    return b"".join(record.encode() + b"\0" for record in ["URUNIT1", *records])
