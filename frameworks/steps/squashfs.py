"""squashfs images, by mksquashfs."""

from __future__ import annotations

import stat

from frameworks.steps.job import Job


def write(job: Job) -> None:
    """Write the image. Raises PackError."""
    # It leaves out the root's own entry of an archive.
    root, *below = job.entries
    # fmt: off
    arguments = [
        "-", job.output, "-tar", "-noappend", "-quiet", "-no-progress",
        "-mkfs-time", str(job.when), "-root-time", str(job.when),
        "-root-mode", f"{stat.S_IMODE(root.mode):04o}",
        "-root-uid", str(root.uid), "-root-gid", str(root.gid),
        "-processors", "1",
    ]
    # fmt: on
    # It refuses SOURCE_DATE_EPOCH beside its own options for times.
    job.run(arguments, below, epoch=False)
