"""ruamel.yaml's reader, scanner and parser, and nothing else of it: text to parser events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

_PACKAGE = "ruamel.yaml"


def events(text: str) -> Iterator[Any]:
    """The parser's events for a text, to the end of the stream, by the rules of YAML 1.2.

    A `%YAML 1.1` line changes nothing: what a plain scalar means is not the scanner's business.
    Raises what the scanner and the parser raise.
    """
    reader, scanner, parser = parts()

    class Loader(reader, scanner, parser):  # type: ignore[misc, valid-type]
        comment_handling = None
        processing_version = (1, 2)

        def __init__(self) -> None:
            self._resolver = self
            self.doc_infos = [SimpleNamespace()]
            reader.__init__(self, text, loader=self)
            scanner.__init__(self, loader=self)
            parser.__init__(self, loader=self)

    loader = Loader()
    while (event := loader.get_event()) is not None:
        yield event


@cache
def parts() -> tuple[Any, Any, Any]:
    """The three classes, without running the package's `__init__`.

    That imports constructors, representers and an emitter, too: 8 of the 14 ms that ruamel.yaml
    takes to import, at the start of every build. So these modules are imported below an empty
    stand-in for the package. It and they leave `sys.modules` again, and whoever else imports
    `ruamel.yaml` gets all of it.
    """
    if _PACKAGE in sys.modules:
        return _import_parts()
    import ruamel

    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = [os.path.join(folder, "yaml") for folder in ruamel.__path__]
    sys.modules[_PACKAGE] = stand_in
    try:
        return _import_parts()
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]


def _import_parts() -> tuple[Any, Any, Any]:
    from ruamel.yaml.parser import Parser
    from ruamel.yaml.reader import Reader
    from ruamel.yaml.scanner import Scanner

    return Reader, Scanner, Parser
