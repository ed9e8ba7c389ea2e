"""A quicker start: what a build never needs is left out (docs/adr/0005 has the figures)."""

from __future__ import annotations

import sys
from types import ModuleType


class Late(ModuleType):
    """Stands for the module `name`, which is imported when it is asked for more than `content`."""

    def __init__(self, name: str, **content: object) -> None:
        super().__init__(name)
        vars(self).update(content)
        sys.modules[name] = self

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the import system asks of a module is not its content
            raise AttributeError(name)
        from importlib import import_module

        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def prepare() -> None:
    """Make the imports that follow quicker."""
    import gc

    gc.disable()  # a build ends before there is anything worth collecting
    # The half of protobuf that is written in Python: ours is in C.
    Late("google.protobuf.internal.python_message")
