"""What a start leaves out until it is asked for."""

from __future__ import annotations

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest
import ruamel.yaml

from frontend.startup import Late, Start
from image import record
from tests.places import ROOT


def test_a_module_comes_when_more_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "colorsys", None)  # as it was, after the test
    late = Late("colorsys", known=7)
    assert importlib.import_module("colorsys") is late
    assert late.known == 7
    assert sys.modules["colorsys"] is late
    found = late.rgb_to_hsv
    assert sys.modules["colorsys"] is not late
    assert found is importlib.import_module("colorsys").rgb_to_hsv
    assert late.hsv_to_rgb is importlib.import_module("colorsys").hsv_to_rgb
    assert not hasattr(late, "nothing")
    assert not hasattr(late, "__path__")


def code(name: str, text: str) -> types.CodeType:
    return compile(text, f"/there/{name}", "exec")


def test_modules_come_from_the_file_of_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {
        "startpack": (code("startpack/__init__.py", "from startpack.inside import seven"), True),
        "startpack.inside": (code("startpack/inside.py", "seven = 7"), False),
    }
    monkeypatch.setattr(sys, "meta_path", [Start(codes, {}), *sys.meta_path])
    for name in codes:
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    package = importlib.import_module("startpack")
    assert package.seven == 7
    assert package.__path__ == ["/there/startpack"]
    assert package.__spec__
    assert package.__spec__.name == package.__package__ == "startpack"
    inside = importlib.import_module("startpack.inside")
    assert (inside.__file__, inside.__package__) == ("/there/startpack/inside.py", "startpack")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("startpack.absent")


def test_what_the_file_lacks_is_found_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "startpack").mkdir()
    (tmp_path / "startpack" / "beside.py").write_text("nine = 9")
    start = Start(
        {"startpack": (compile("", f"{tmp_path}/startpack/__init__.py", "exec"), True)}, {}
    )
    monkeypatch.setattr(sys, "meta_path", [start, *sys.meta_path])
    for name in ("startpack", "startpack.beside"):
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    assert importlib.import_module("startpack.beside").nine == 9


EXPRESSIONS = """
import marshal, sys
root, packages = sys.argv[1:]
sys.path[:0] = [root, packages]
from frontend.startup import Start
with open(0, "rb") as told:
    modules, patterns = marshal.loads(told.read())
assert "re" not in sys.modules
from os import path
spec = sys.meta_path[-1].find_spec("re._compiler", [path.dirname(path.__file__) + "/re"])
codes = {"re._compiler": (spec.loader.get_code("re._compiler"), False)}
sys.meta_path.insert(0, Start(codes, patterns))
import re, re._compiler, re._parser
parse, parsed = re._parser.parse, []
re._parser.parse = lambda *words: parsed.append(words) or parse(*words)
made = {key: re._compiler.compile(*key) for key in patterns}
assert not parsed
sys.meta_path[0]._patterns.clear()
for key, pattern in made.items():
    assert pattern == re._compiler.compile(*key), key
    assert pattern.groupindex == re._compiler.compile(*key).groupindex
print(len(made), len(parsed) == 2 * len(made), "frontend.build" in modules)
"""


def test_expressions_are_what_re_makes_of_them() -> None:
    """What `image/record.py` keeps of a start's expressions, and what a start makes of that."""
    packages = str(Path(ruamel.yaml.__file__).parents[2])
    recorder = [sys.executable, "-ISB", record.__file__, str(ROOT), packages]
    told = subprocess.run(recorder, check=True, capture_output=True).stdout
    words = [sys.executable, "-ISB", "-c", EXPRESSIONS, str(ROOT), packages]
    ended = subprocess.run(words, input=told, capture_output=True, check=False)
    count, *rest = ended.stdout.decode().split() or [ended.stderr.decode()]
    assert rest == ["True", "True"], count
    assert int(count) > 20
