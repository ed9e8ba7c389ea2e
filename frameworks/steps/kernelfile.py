"""The command that looks whether a monitor boots a kernel: `kernelfile MONITOR ARCHITECTURE FILE`.

It runs in hutch's own image, after a kernel was built. It ends with 1 and says why when the monitor
cannot boot the file.
"""

from __future__ import annotations

import sys

from frameworks.kernelfile import complaint, identify


def main(arguments: list[str]) -> int:
    """The command."""
    monitor, architecture, path = arguments
    with open(path, "rb") as stream:
        kernel = identify(stream)
    wrong = complaint(kernel, monitor, architecture)
    if wrong:
        print(f"hutch: {monitor} cannot boot this kernel: {wrong}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
