"""Every example is built from its own files, and boots to what its `test.toml` says it prints.

inputs     a Dockerfile built first, its result added to the context
platforms  what to build for (linux/amd64)
keys       what the image tells the runtime, without the prefix: exactly these
guest      boot it: `prints` are lines that must come, within `seconds`
"""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llb import Platform
from tests.integration.harness import EXAMPLES, Builder, difference, entries

pytestmark = pytest.mark.integration


def _cases() -> list[tuple[str, str]]:
    """Each example that has expectations, with each platform."""
    return [
        (file.parent.name, platform)
        for file in sorted(EXAMPLES.glob("*/test.toml"))
        for platform in tomllib.loads(file.read_text()).get("platforms", ["linux/amd64"])
    ]


@pytest.mark.parametrize(("name", "platform"), _cases())
def test_example(
    builder: Builder, tmp_path: Path, booted: Callable[..., str], name: str, platform: str
) -> None:
    folder = tmp_path / name
    shutil.copytree(EXAMPLES / name, folder)
    expected: dict[str, Any] = tomllib.loads((folder / "test.toml").read_text())
    target = ("--platform", platform)
    if inputs := expected.get("inputs"):
        output = f"type=local,dest={folder}"
        builder.build(folder, None, "-f", str(folder / inputs), *target, output=output)
    text = (folder / "bunnyfile").read_text()
    first, _, rest = text.partition("\n")
    assert re.fullmatch(r"# syntax=\S+", first), "an example is complete: it names hutch"
    built = builder.build(folder, rest, *target)
    packed = builder.read(built.ref)
    builder.check_keys(packed)
    again = builder.build(folder, rest, *target, "--no-cache-filter=rootfs,image")
    assert difference(entries(built.ref), entries(again.ref)) is None
    assert packed.image.platform == Platform.parse(platform)
    assert packed.keys == expected["keys"]
    guest = expected.get("guest")
    if guest is not None:
        output = booted(built.ref, timeout=guest["seconds"])
        lines = output.splitlines()
        assert [line for line in guest["prints"] if line not in lines] == [], output


def test_every_example_is_in_the_list() -> None:
    listed = set(re.findall(r"^\| \[([a-z0-9-]+)\]", (EXAMPLES / "README.md").read_text(), re.M))
    assert listed == {file.parent.name for file in EXAMPLES.glob("*/bunnyfile")}
    for name in listed:
        assert (EXAMPLES / name / "README.md").exists()
