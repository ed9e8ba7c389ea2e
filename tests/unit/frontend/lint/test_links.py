"""Links that were included as links, and what is said of those that lead nowhere."""

from __future__ import annotations

import pytest

from frontend.gateway.files import FileStat
from frontend.lint.links import judge, kept
from frontend.lint.tree import Tree
from tests.unit.core.helpers import lower

V1 = """version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: source}}
rootfs:
  type: initrd
  include:
    - {{source: {source}, destination: {destination}, follow: {follow}}}
cmd: [/a]
"""
V0 = """version: v0.1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: local, path: k}}
rootfs:
  type: initrd
  include:
    - {source}:{destination}
cmdline: /a
"""


def found(text: str, source: str, destination: str, **files: str) -> list[str]:
    """What is found where `files` are links by their path, `-> target` or `=> target` (there)."""
    links = {"/" + path.replace("_", "/"): target for path, target in files.items()}

    def entry(path: str) -> FileStat | None:
        if path not in links:
            return None
        return FileStat(path, 0, 0o777, 0, 0, 0, False, True, links[path].lstrip("!"))

    def stat(path: str) -> FileStat | None:
        return entry(path) if not links.get(path, "!").startswith("!") else None

    plan = lower(text.format(source=source, destination=destination, follow="false")).plan
    diagnostics = list(judge(plan, Tree(stat, lambda *_: None, entry)))
    assert all(each.at is not None and each.at.start.line == 7 for each in diagnostics)
    return [each.message.partition(",")[0] for each in diagnostics]


@pytest.mark.parametrize("text", [V0, V1])
def test_links(text: str) -> None:
    dangling = "/etc/c is a symbolic link to 'c.2'"
    assert found(text, "c", "/etc/c", etc_c="!c.2") == [dangling]
    assert found(text, "c", "/etc/", etc_c="!c.2") == [dangling]
    assert found(text, "c", "/etc", etc_c="!c.2") == [dangling]
    assert found(text, "c", "/etc/c", etc_c="c.2") == []
    assert found(text, "c", "/etc/c") == []
    assert found(text, "c", "/etc/c", etc_c="!/proc/mounts") == []
    assert found(text, "c", "/etc/c", etc_c="!../dev/log") == []


def test_what_is_followed() -> None:
    text = V1.format(source="c", destination="/c", follow="true")
    assert kept(lower(text).plan) == []
    assert kept(lower(text.replace(", follow: true", "")).plan) == []
