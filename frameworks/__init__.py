"""The frameworks: one folder each, and the table that names them.

`get("linux")` imports only the folder asked for. The table is explicit: adding a framework means
adding a folder and one row.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from frameworks.base import Framework, Guest

TABLE = {
    "linux": ("frameworks.linux", "Linux"),
    "netbsd": ("frameworks.netbsd", "NetBSD"),
    "freebsd": ("frameworks.freebsd", "FreeBSD"),
    "rumprun": ("frameworks.rumprun", "Rumprun"),
    "mirage": ("frameworks.mirage", "Mirage"),
    "unikraft": ("frameworks.unikraft", "Unikraft"),
    "mewz": ("frameworks.prebuilt", "Mewz"),
    "hermit": ("frameworks.prebuilt", "Hermit"),
    "generic": ("frameworks.prebuilt", "Generic"),
}
"""`platforms.framework` -> the module and the class in it. The one list of frameworks: the schema's
values, the suggestions for a mistyped name and the reference page are made of it."""

DEFAULT = "linux"
"""The framework of a Dockerfile that names none."""

ANY = "generic"
"""The framework of a guest that no other row is for: a v0.1 file may name what it likes."""


def get(name: str) -> Framework:
    """The framework called `name`, a key of `TABLE`."""
    module, attribute = TABLE[name]
    return cast("Framework", getattr(import_module(module), attribute)())


def guest(name: str) -> Guest:
    """What the guests of a framework accept; of a name that is in no row, what `ANY`'s do."""
    return get(name if name in TABLE else ANY).guest
