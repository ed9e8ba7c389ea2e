"""Rumprun on Solo5: a program with NetBSD's drivers and C library, from source or as a file."""

from frameworks.rumprun.recipe import Rumprun

__all__ = ["Rumprun"]
