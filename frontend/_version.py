"""The version of hutch, read by the build backend and by `hutch --version`."""

__version__ = "0.1.0"
