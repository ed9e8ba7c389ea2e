"""MirageOS: unikernels in OCaml, built from source for Solo5."""

from frameworks.mirage.recipe import Mirage

__all__ = ["Mirage"]
