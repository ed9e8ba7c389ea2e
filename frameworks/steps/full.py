"""What a step says of a builder that has no disk space left."""

from __future__ import annotations

import errno
import os

FULL = (
    "the builder has no disk space left; 'docker buildx prune' removes what old builds left there"
)
_LEAST = 1 << 20


def words(error: Exception) -> str:
    """An error in one line for the user."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return FULL if full else " ".join(str(error).split("\n"))


def is_full(directory: str) -> bool:
    """Whether the file system that `directory` is on has less than a MiB to give."""
    found = os.statvfs(directory)
    return found.f_bfree * found.f_frsize < _LEAST
