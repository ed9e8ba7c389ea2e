"""One mistake is one error: nothing is said of what only follows from it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frontend.bunnyfile.nodes import Mapping, Node
from frontend.bunnyfile.yaml import parse
from llb import Range, SourceFile
from tests.errors.test_errors import diagnose
from tests.places import EXAMPLES

PREBUILT = """\
version: v1
platforms: {framework: unikraft, monitor: qemu}
kernel: {from: local, path: k}
rootfs: {include: ["a:/a"]}
app: {from: local, path: ., build: make, artifacts: ["b:/b"]}
"""
LOADER = PREBUILT.replace("local, path: k", "source")
OPTIONS = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: source}
app: {from: local, path: ., options: {net: direct}}
"""
TREE = """\
version: v1
platforms: {framework: %s, monitor: qemu, version: "99.0"}
kernel: {from: source, source: {git: 'https://example.com/x.git', ref: v99}}
app: {from: local, path: ., build: make, artifacts: ["b:/b"]}
rootfs: {include: ["a:/a"], type: %s}
cmd: [/a]
"""
TYPES = {"linux": "initrd", "netbsd": "block", "freebsd": "block", "unikraft": "initrd"}
FILES = (
    {path.parent.name: path.read_text() for path in sorted(EXAMPLES.glob("*/bunnyfile"))}
    | {"unikraft-prebuilt": PREBUILT, "unikraft-loader": LOADER, "mirage-options": OPTIONS}
    | {f"{name}-of-a-tree": TREE % (name, type) for name, type in TYPES.items()}
)


def places(text: str) -> Iterator[tuple[str, Node]]:
    """Each value of a file, by the path of its key."""

    def below(node: Node, path: str) -> Iterator[tuple[str, Node]]:
        if isinstance(node, Mapping):
            for entry in node:
                here = f"{path}.{entry.key.text}".lstrip(".")
                if here.partition(".")[0] not in ("version", "args", "platforms"):
                    yield here, entry.value
                    yield from below(entry.value, here)

    yield from below(parse(SourceFile("bunnyfile", text.encode())), "")


def replaced(text: str, at: Range, value: str) -> str:
    lines = text.splitlines(keepends=True)

    def offset(line: int, character: int) -> int:
        return sum(map(len, lines[: line - 1])) + character

    start = offset(at.start.line, at.start.character)
    before = text[:start].rstrip()
    after = text[offset(at.end.line, at.end.character) :]
    return f"{before} {value}{after if after[:1] in (*',}] ', chr(10)) else chr(10) + after}"


def whole(name: str) -> str:
    """A file without mistakes, also where nobody gives an argument or a platform."""
    text = FILES[name].replace("architecture: arm64", "")
    return text.replace("BASE_SHA256:", f"BASE_SHA256: {'0' * 64}")


def wrongs(name: str) -> Iterator[tuple[str, str]]:
    """Files with one value that is none: the path of its key, and the text."""
    text = whole(name)
    for path, node in places(text):
        for wrong in ("{biuld: make}", "[[]]"):
            yield path, replaced(text, node.at, wrong)


@pytest.mark.parametrize("name", FILES)
def test_one_mistake_is_told_in_one_section(name: str) -> None:
    assert not [each for each in diagnose(whole(name).encode()) if each.severity == "error"]
    told = 0
    for path, text in wrongs(name):
        section = path.partition(".")[0]
        line = next(at for at, each in enumerate(text.splitlines(), 1) if each.startswith(section))
        end = next(
            (
                at
                for at, each in enumerate(text.splitlines(), 1)
                if at > line and each[:1].isalpha()
            ),
            text.count("\n") + 1,
        )
        for found in diagnose(text.encode()):
            assert found.at is not None
            if found.severity == "error":
                told += 1
                assert line <= found.at.start.line <= end, f"{path}: {found}\n{text}"
    assert told
