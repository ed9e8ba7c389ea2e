"""A quicker start: what a build never needs is left out (docs/adr/0005 has the figures)."""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from types import CodeType
    from typing import Any

FILE = "start.marshal"
"""Beside our packages in the image: the modules that a build imports (`image/start.py`)."""


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


class Start:
    """Imports modules whose code is there already, and compiles no expression that is there.

    `codes` has the code of each module, and whether it is a package; `patterns` what `_sre.compile`
    takes of a regular expression, by the expression and its flags.
    """

    def __init__(
        self,
        codes: Mapping[str, tuple[CodeType, bool]],
        patterns: Mapping[tuple[str | bytes, int], tuple[Any, ...]],
    ) -> None:
        self._codes = codes
        self._patterns = patterns

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """A finder's method, of `sys.meta_path`."""
        found = self._codes.get(name)
        if found is None:
            return None
        code, package = found
        # The class of the one that Python's own importer made: its module is not imported here.
        spec: ModuleSpec = _SPEC(name, self, origin=code.co_filename, is_package=package)
        spec.has_location = True
        spec.cached = code.co_filename
        if package:
            spec.submodule_search_locations = [code.co_filename.rpartition("/")[0]]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """A loader's method: the module is made as usual."""

    def exec_module(self, module: ModuleType) -> None:
        """A loader's method."""
        exec(self._codes[module.__name__][0], vars(module))
        if module.__name__ == "re._compiler":
            self._patch(module)

    def _patch(self, module: Any) -> None:
        through, patterns, make = module.compile, self._patterns, module._sre.compile

        def compile(pattern: Any, flags: int = 0) -> Any:
            found = patterns.get((pattern, flags)) if isinstance(pattern, str | bytes) else None
            if found is None:
                return through(pattern, flags)
            known, words, groups, by_name, by_number = found
            return make(
                pattern, known, list(memoryview(words).cast("I")), groups, by_name, by_number
            )

        module.compile = compile


_SPEC: Any = type(sys.__spec__)


def prepare() -> None:
    """Make the imports that follow quicker."""
    import gc

    gc.disable()  # a build ends before there is anything worth collecting
    # The half of protobuf that is written in Python, ours is in C; and what it adds to well-known
    # types, which the daemon's messages have no use for.
    Late("google.protobuf.internal.python_message")
    Late("google.protobuf.internal.well_known_types", WKTBASES={})
    folder = __file__.rpartition("/")[0].rpartition("/")[0]
    try:
        with open(f"{folder}/{FILE}", "rb", buffering=0) as file:
            data = file.read()
    except FileNotFoundError:
        return
    import marshal

    sys.meta_path.insert(0, Start(*marshal.loads(data)))
