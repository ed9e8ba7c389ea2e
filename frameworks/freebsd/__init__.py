"""FreeBSD: kernels built from source for microVMs, and the guests that run on them."""

from frameworks.freebsd.recipe import FreeBSD

__all__ = ["FreeBSD"]
