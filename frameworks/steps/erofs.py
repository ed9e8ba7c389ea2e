"""erofs images, by mkfs.erofs."""

from __future__ import annotations

from frameworks.steps.job import UUID, Job


def write(job: Job) -> None:
    """Write the image. Raises PackError."""
    job.run(["--quiet", "--tar=f", f"-T{job.when}", "-U", UUID, job.output], job.entries)
