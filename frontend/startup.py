"""A quicker start, where the frontend runs in its image.

Most of a start is imports, and half of their time goes to `dataclasses`, which writes the methods
of each class as text and compiles it. The texts are the same each time, so the image has them
compiled (`image.dataclass_code`); whatever is not among them is compiled as ever.
"""

from __future__ import annotations

import os

CODE = "dataclasses.code"
"""The file beside this module, in the image only: texts and their code objects, marshalled."""


def prepare() -> None:
    """Make the imports that follow quicker."""
    import gc

    gc.disable()  # a build ends before there is anything worth collecting
    try:
        with open(os.path.join(os.path.dirname(__file__), CODE), "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return
    import dataclasses
    import marshal

    compiled = marshal.loads(data)

    def run(text: str, scope: dict[str, object], names: dict[str, object]) -> None:
        exec(compiled.get(text, text), scope, names)

    # The module finds this name before the built-in function that it means.
    vars(dataclasses)["exec"] = run
