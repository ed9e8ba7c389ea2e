"""The frameworks: one folder each, and the table that names them.

`get("linux")` imports only the folder asked for. The table is explicit: adding a framework means
adding a folder and one row.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from frameworks.base import Framework

TABLE = {
    "linux": ("frameworks.linux", "Linux"),
    "netbsd": ("frameworks.netbsd", "NetBSD"),
    "freebsd": ("frameworks.freebsd", "FreeBSD"),
    "unikraft": ("frameworks.prebuilt", "Unikraft"),
    "rumprun": ("frameworks.prebuilt", "Rumprun"),
    "mirage": ("frameworks.mirage", "Mirage"),
    "mewz": ("frameworks.prebuilt", "Mewz"),
    "hermit": ("frameworks.prebuilt", "Hermit"),
    "generic": ("frameworks.prebuilt", "Generic"),
}
"""`platforms.framework` -> the module and the class in it."""


def get(name: str) -> Framework:
    """The framework called `name`, a key of `TABLE`."""
    module, attribute = TABLE[name]
    return cast("Framework", getattr(import_module(module), attribute)())
