"""NetBSD: kernels built from source for microVMs, and the guests that run on them."""

from frameworks.netbsd.recipe import NetBSD

__all__ = ["NetBSD"]
