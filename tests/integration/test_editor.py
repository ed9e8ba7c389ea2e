"""The published schema in a real yaml-language-server, as an editor asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frontend.bunnyfile import editor
from tests.errors.test_errors import FILES, name_of
from tests.integration.harness import ROOT, lsp
from tests.unit.frontend.bunnyfile.test_editor import EXAMPLES, refused

pytestmark = pytest.mark.integration

LOCK = Path(__file__).parent / "editor"
ITS_OWN_MIND = {
    "empty-file/empty": "the server says nothing of a file that is not begun",
    "wrong-type/merge-of-text": "the server merges what is no mapping without a word",
    "too-many-aliases/billion-laughs": "the server tells of an anchor that nothing uses",
}
GUEST = "version: v1\nplatforms:\n  framework: {}\n  monitor: {}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[lsp.Server]:
    modules = lsp.install(LOCK, ROOT / "build/editor")
    if modules is None:
        pytest.skip("npm, or the packages that it installs, cannot be had here")
    program = modules / "yaml-language-server/bin/yaml-language-server"
    schema = ROOT / "build/editor/bunnyfile.schema.json"
    schema.write_text(editor.text())
    settings = {
        "schemas": {schema.as_uri(): ["**/*bunnyfile*"]},
        "schemaStore": {"enable": False},
        "validate": True,
        "hover": True,
        "completion": True,
    }
    running = lsp.Server(["node", str(program), "--stdio"], {"yaml": settings})
    yield running
    running.close()


@pytest.fixture
def ask(server: lsp.Server, request: pytest.FixtureRequest) -> Callable[[str, str], Any]:
    """What a request answers at the place of `|` in a text."""

    def asked(method: str, text: str) -> Any:
        before, _, after = text.partition("|")
        uri = f"file:///asked/{abs(hash((request.node.name, text)))}/bunnyfile.yaml"
        server.open(uri, before + after)
        position = {
            "line": before.count("\n"),
            "character": len(before) - before.rfind("\n") - 1,
        }
        params = {"textDocument": {"uri": uri}, "position": position}
        return server.request(f"textDocument/{method}", params)

    return asked


def labels(found: Any) -> set[str]:
    items = found["items"] if isinstance(found, dict) else found
    return {item["label"] for item in items}


def test_diagnostics_agree_with_the_frontend(server: lsp.Server) -> None:
    """Those of the schema do over all of these files: `test_editor.py` of the unit tests."""
    examples = {f"{path.as_uri()}.yaml": path.read_text() for path in EXAMPLES}
    assert server.open_all(examples) == {uri: [] for uri in examples}
    texts = {name_of(path): path.read_text(encoding="utf-8", errors="replace") for path in FILES}
    uris = {name: f"file:///errors/{name}.bunnyfile.yaml" for name in texts}
    found = server.open_all({uris[name]: text for name, text in texts.items()})
    for name, text in texts.items():
        said = found[uris[name]]
        if name not in ITS_OWN_MIND:
            assert bool(said) == bool(refused(text)), (name, said)
        for each in said:
            assert "does not match the pattern" not in each["message"], (name, each)


def test_a_message_says_what_to_write_at_its_place(server: lsp.Server) -> None:
    text = GUEST.format("linux", "spt") + "rootfs:\n  size: 5X\n"
    found = server.open("file:///message/bunnyfile.yaml", text)
    said = {each["range"]["start"]["line"]: each["message"] for each in found}
    assert set(said) == {3, 5}
    assert '"qemu", "firecracker", "cloud-hypervisor"' in said[3]
    assert said[5].startswith("this is no size: write bytes, or a number with K, M or G")


def test_values_are_offered_by_framework(ask: Callable[[str, str], Any]) -> None:
    linux = GUEST.format("linux", "|")
    assert labels(ask("completion", linux)) == {"qemu", "firecracker", "cloud-hypervisor"}
    assert labels(ask("completion", GUEST.format("mirage", "|"))) == {"qemu", "hvt", "spt"}
    old = linux.replace("v1", "v0.1")
    assert labels(ask("completion", old)) >= {"qemu", "firecracker", "cloud-hypervisor"}
    disk = GUEST.format("netbsd", "qemu") + "rootfs:\n  {}: |\n"
    assert labels(ask("completion", disk.format("type"))) == {"block", "raw", "none"}
    assert labels(ask("completion", disk.format("filesystem"))) == {"ext2", "ffs"}
    assert "linux" in labels(ask("completion", GUEST.partition("{}")[0] + "|\n"))


def test_keys_are_offered_once(ask: Callable[[str, str], Any]) -> None:
    found = ask("completion", GUEST.format("linux", "qemu") + "|\n")
    items = [item["label"] for item in found["items"]]
    assert {"kernel", "rootfs", "cmd", "envs", "ports", "args"} <= set(items)
    assert len(items) == len(set(items))
    inside = ask("completion", GUEST.format("linux", "qemu") + "kernel:\n  |\n")
    assert {"from", "config", "options", "patches"} <= labels(inside)


def test_hover_says_what_a_key_is_for_its_framework(ask: Callable[[str, str], Any]) -> None:
    def hover(text: str) -> str:
        return str(ask("hover", text)["contents"]["value"])

    config = "kernel:\n  from: source\n  conf|ig: X\n"
    linux = hover(GUEST.format("linux", "qemu") + config)
    assert "kernel.config" in linux
    assert "microvm (the default" in linux
    netbsd = hover(GUEST.format("netbsd", "qemu") + config)
    assert "MICROVM" in netbsd
    monitor = hover(GUEST.format("linux", "qemu").replace("monitor", "moni|tor"))
    assert "The program that runs the virtual machine" in monitor
    assert "hvt`" not in monitor
