"""Import what a build of a v0.1 file imports, and tell about it: a process of `image.start`.

    python3 -ISB image/record.py DIRECTORY...    modules are taken from there

It runs on the builder's machine: for another machine's image the modules are the same, and so is
what the same version of Python makes of regular expressions. It imports next to nothing itself, for
what is there already is not seen.
"""

import sys

IMPORT = """\
from frontend.startup import prepare
prepare()
import frontend.gateway.session, frontend.dockerui.contexts, frontend.build
import frontend.lint.filechecks, frontend.bunnyfile.scanner
frontend.bunnyfile.scanner.parts()
"""
"""What a build of a v0.1 file imports."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Patterns = dict[
        tuple[str | bytes, int], tuple[int, bytes, int, dict[str, int], tuple[Any, ...]]
    ]


class Spy:
    """A finder that finds nothing, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.modules: list[str] = []

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """A finder's method, of `sys.meta_path`."""
        self.modules.append(name)


def watch(compiler: "Any", patterns: "Patterns") -> None:
    """Let `re._compiler` put into `patterns` what it makes, by the expression and its flags.

    The words of an expression's code are bytes there, four each, in the order of this machine:
    those that hutch runs on have the same.
    """
    made, through, make = [0], compiler.compile, compiler._sre.compile

    def asked(pattern: "Any", flags: int = 0) -> "Any":
        made[0] = int(flags)
        return through(pattern, flags)

    def seen(
        pattern: "Any",
        flags: int,
        code: "list[int]",
        groups: int,
        by_name: "dict[str, int]",
        by_number: "tuple[Any, ...]",
    ) -> "Any":
        if pattern is not None:
            words = b"".join(word.to_bytes(4, sys.byteorder) for word in code)
            patterns[pattern, made[0]] = (
                int(flags),
                words,
                groups,
                dict(by_name),
                tuple(by_number),
            )
        return make(pattern, flags, code, groups, by_name, by_number)

    compiler.compile = asked
    compiler._sre = type("Sre", (), {**vars(compiler._sre), "compile": staticmethod(seen)})


def record() -> "tuple[list[str], Patterns]":
    """Import; returns the modules in their order, and the regular expressions."""
    spy, patterns = Spy(), {}  # type: tuple[Spy, Patterns]
    sys.meta_path.insert(-1, spy)  # before what looks at files, behind what Python brings along
    import re

    watch(sys.modules[f"{re.__name__}._compiler"], patterns)
    exec(IMPORT, {})
    return list(dict.fromkeys(spy.modules)), patterns


if __name__ == "__main__":
    import marshal

    sys.path[:0] = sys.argv[1:]
    sys.stdout.buffer.write(marshal.dumps(record()))
