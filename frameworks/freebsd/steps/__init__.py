"""What runs inside the build steps of a Linux kernel; see `frameworks.steps`."""
