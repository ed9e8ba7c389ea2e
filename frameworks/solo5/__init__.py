"""Solo5, from source: the layer that unikernels of several frameworks are linked with."""
