"""Linux: kernels built from source for microVMs, and the guests that run on them."""

from frameworks.linux.recipe import Linux

__all__ = ["Linux"]
