"""Linux: kernels built from source for microVMs, and the guests that run on them."""
