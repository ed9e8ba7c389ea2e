"""The modes of the files that the monitor opens.

urunc executes the monitor as the container's user, whom `docker run -u` and Kubernetes' `runAsUser`
may set to any number, so that no owner which the image could name is sure to be the right one.
Source: urunc, pkg/unikontainers/unikontainers.go, setupUser; seen under urunc 0.6 to August 2026.
"""

DRIVE_MODE = 0o666
"""A drive. Monitors open it for writing, whatever is on it (QEMU without `readonly=on`, Firecracker
with `is_read_only: false`)."""

INITRD_MODE = 0o644
"""An initrd, which monitors only read."""
