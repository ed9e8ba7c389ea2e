"""What runs inside the build steps of a MirageOS application; see `frameworks.steps`."""
