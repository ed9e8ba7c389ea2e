"""The build graph of each example as a picture: `python -m docs.site.graphs`, by Graphviz.

What is drawn is the definition that BuildKit is given (`hutch llb --raw`): a box for each operation
under the name that a build shows, an arrow for each input.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from docs.site.hooks import GRAPHS, ROOT, SCHEMA
from frontend.bunnyfile import editor
from llb import Definition
from llb.definition import DecodedOp

_COLOURS = {"source": "#fdf1e0", "exec": "#e8eef7", "file": "#eeeeee", "merge": "#e9f5ea"}
_GIVEN = {"BASE_SHA256": "0" * 64}
"""Arguments that examples leave to the user."""
_HEAD = (
    'digraph build { rankdir=TB; bgcolor="white"; node [shape=box, style="filled,rounded", '
    'fontname="sans-serif", fontsize=11, color="#5b7db1"]; edge [color="#666666", arrowsize=0.6];'
)


def dot(definition: Definition) -> str:
    """A graph in Graphviz's language; inputs are above what uses them."""
    ops = [op for op in definition.ops() if op.kind != "terminal" and not _is_inner(op)]
    numbers = {op.digest: number for number, op in enumerate(ops)}
    lines = [_HEAD]
    for op in ops:
        name = op.name
        if not name and op.kind == "source":
            name = op.message.source.identifier.partition("@")[0]
        label = "\n".join(textwrap.wrap(name or op.kind, 30))
        colour = _COLOURS.get(op.kind, "white")
        lines.append(f'n{numbers[op.digest]} [label={_quoted(label)}, fillcolor="{colour}"];')
        for digest in dict.fromkeys(digest for digest, _ in op.inputs):
            if digest in numbers:
                lines.append(f"n{numbers[digest]} -> n{numbers[op.digest]};")
    return "\n".join([*lines, "}"]) + "\n"


def _is_inner(op: DecodedOp) -> bool:
    """Whether a step only brings hutch's own scripts: a picture is clearer without."""
    return op.name.startswith("[internal]")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def definition(example: Path) -> Definition:
    """The build graph of an example's bunnyfile, without a daemon."""
    file = str(example / "bunnyfile")
    given = [f"--build-arg={name}={value}" for name, value in _GIVEN.items()]
    command = [sys.executable, "-m", "frontend", "llb", "--raw", *given, file]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return Definition.from_bytes(done.stdout)


def main() -> None:
    """Draw all examples into `build/docs/graphs`; write the editor's schema beside them."""
    GRAPHS.mkdir(parents=True, exist_ok=True)
    SCHEMA.write_text(editor.text(), encoding="utf-8")
    for path in sorted(ROOT.glob("examples/*/bunnyfile")):
        target = GRAPHS / f"{path.parent.name}.svg"
        text = dot(definition(path.parent))
        subprocess.run(["dot", "-Tsvg", "-o", target], input=text.encode(), check=True)


if __name__ == "__main__":
    main()
