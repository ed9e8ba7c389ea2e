"""What an application lacks to be a MirageOS project, in words.

The step `frameworks.mirage.steps.project` looks, where a kernel could not be built.
"""

from __future__ import annotations

WORDS = {
    "none": (
        "the application is no MirageOS project: it has neither a dune-project nor a config.ml",
        "'app.path' is the directory that has one",
    ),
    "unconfigurable": (
        "the application has no config.ml, and 'app.options' are keys of one",
        "remove 'app.options', or see 'app.path'",
    ),
    "unruled": (
        "the application has no dist/dune, whose rules say which file is the kernel",
        "write one that leaves dist/NAME.{target}, or leave that file there with 'app.build'",
    ),
}
"""A word -> what is wrong, and what to do; `{target}` is what the kernel is linked for."""
