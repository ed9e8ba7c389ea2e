"""What runs inside the build steps of a BSD's kernel; see `frameworks.steps`."""
