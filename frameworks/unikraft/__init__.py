"""Unikraft: unikernels of a library operating system, built from source or prebuilt."""

from frameworks.unikraft.recipe import Unikraft

__all__ = ["Unikraft"]
