"""The library does no I/O and asks the machine nothing; protobuf waits until it is needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT
from tests.sources import parsed

MODULES = sorted((ROOT / "llb").glob("*.py"))
# The whole standard library that the graph needs.
ALLOWED = {
    "collections.abc",
    "dataclasses",
    "enum",
    "functools",
    "hashlib",
    "io",  # a buffer in memory
    "ipaddress",
    "itertools",
    "json",
    "re",
    "shlex",
    "typing",
    "urllib.parse",
}
WITH_PROTOBUF = {"definition", "encode", "marshal", "source_index", "tree"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.startswith(("google.protobuf", "llb.pb")):
                assert path.stem in WITH_PROTOBUF
            elif name != "llb" and not name.startswith("llb."):
                assert name in ALLOWED


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_file_is_opened(path: Path) -> None:
    called = {
        node.func.id
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"open", "input", "print", "eval", "exec", "__import__"}


PROGRAM = """
import sys
import llb
state = llb.image("alpine").run(["true"]).root.mkfile("/f", "x")
state = llb.merge([state, llb.diff(state, state.copy(llb.local("c"), "/", "/"))])
loaded = {name.partition(".")[0] for name in sys.modules} & {"google", "grpc", "socket", "json"}
assert not loaded, loaded
state.marshal(platform=llb.Platform("linux", "amd64"))
assert "google.protobuf" in sys.modules
"""


def test_protobuf_is_imported_by_marshal_and_not_before() -> None:
    subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{PROGRAM}"],
        cwd=ROOT,
        check=True,
    )


def test_what_needs_protobuf_can_be_had_from_the_package() -> None:
    import llb

    assert llb.Definition().is_empty
    assert issubclass(llb.InvalidDefinition, ValueError)
    assert set(llb.__all__) == {name for name in llb.__all__ if hasattr(llb, name)}
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        _ = llb.Nonsense
