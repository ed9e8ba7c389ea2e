"""The command that unpacks an archive: `python3 -m frameworks.rootfs.unpack ARCHIVE DIRECTORY`.

It runs in hutch's own image, because what a builder can unpack by itself depends on the programs of
the machine it runs on. Owners, modes, times, links and device nodes are the archive's own.
"""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Unpack; 0, or 1 with one line on stderr."""
    archive, directory = sys.argv[1:] if arguments is None else arguments
    try:
        # No other filter leaves a system's set-user-id programs what they are, and of this step
        # nothing is kept but the directory.
        with tarfile.open(archive) as found:
            found.extractall(directory, numeric_owner=True, filter="fully_trusted")
    except (tarfile.TarError, OSError, EOFError) as error:
        print(f"hutch: the archive cannot be unpacked: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
