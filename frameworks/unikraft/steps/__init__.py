"""What runs inside the build steps of a Unikraft kernel; see `frameworks.steps`."""
