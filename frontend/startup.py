"""A quicker start, where the frontend runs in its image.

Most of a start is imports, and half of their time goes to `dataclasses`, which writes the methods
of each class as text and compiles it. The texts are the same each time, so the image has them
compiled (`image.dataclass_code`); whatever is not among them is compiled as ever. Of what is left,
a fifth are two modules that others import and do not use in a build; they are imported when they
are used after all.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

CODE = "dataclasses.code"
"""The file beside this module, in the image only: texts and their code objects, marshalled."""


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
    try:
        with open(os.path.join(os.path.dirname(__file__), CODE), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return
    # The half of protobuf that is written in Python: ours is in C.
    Late("google.protobuf.internal.python_message")
    # For this dataclasses import the rest of it, with all that parses Python.
    Late("inspect", unwrap=_unwrap, get_annotations=_annotations)
    import dataclasses
    import marshal

    compiled = marshal.loads(data)

    def run(text: str, scope: dict[str, object], names: dict[str, object]) -> None:
        exec(compiled.get(text, text), scope, names)

    # The module finds this name before the built-in function that it means.
    vars(dataclasses)["exec"] = run


def _unwrap(function: object) -> object:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _annotations(made: type) -> dict[str, object]:
    return dict(vars(made).get("__annotations__", {}))
