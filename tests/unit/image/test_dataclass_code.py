"""What dataclasses compile, noted and used again: the same classes, and nothing compiled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from frontend import startup
from tests.places import ROOT

# Prints how many texts of dataclasses a start compiles, and what one of the classes is like.
START = """
import sys
sys.path.insert(0, {root!r})
texts = []
sys.addaudithook(lambda event, args: texts.append(args[0]) if event == "compile" else None)
import importlib.util
spec = importlib.util.spec_from_file_location("startup", {startup!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.prepare()
import llb
made = llb.Platform("linux", "x86_64")
try:
    made.os = "other"
    frozen = False
except AttributeError:
    frozen = True
print(sum(b"__dataclass_" in text for text in texts if isinstance(text, bytes)) > 0)
print(made == llb.Platform("Linux", "amd64"), repr(made), hash(made) != 0, frozen)
"""


def start(startup_file: Path) -> tuple[str, str]:
    program = START.format(root=str(ROOT), startup=str(startup_file))
    done = subprocess.run(
        (sys.executable, "-I", "-c", program), capture_output=True, text=True, check=True
    )
    compiled, made = done.stdout.splitlines()
    return compiled, made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with `frontend.startup` and the code that it looks for beside itself."""
    made = tmp_path_factory.mktemp("image")
    shutil.copyfile(startup.__file__, made / "startup.py")
    command = ("-m", "image.dataclass_code", "--source", str(ROOT), "--wheels", str(made))
    subprocess.run(
        (sys.executable, *command, "--output", str(made / startup.CODE)),
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    return made


def test_nothing_is_compiled_and_the_classes_are_the_same(folder: Path) -> None:
    compiled, made = start(folder / "startup.py")
    assert compiled == "False"
    assert start(Path(startup.__file__)) == ("True", made)


def test_the_file_is_the_same_every_time(folder: Path) -> None:
    again = folder / "again"
    command = ("-m", "image.dataclass_code", "--source", str(ROOT), "--wheels", str(folder))
    subprocess.run(
        (sys.executable, *command, "--output", str(again)),
        check=True,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    assert again.read_bytes() == (folder / startup.CODE).read_bytes()
