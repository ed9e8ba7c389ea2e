"""docs/containers.md: what a program finds in a container, and what it finds in a guest.

The same probe (`programs/containers.sh`) is run by Docker and booted. `pytest -m integration
tests/integration/test_containers.py --update-goldens` writes the page's table.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from frameworks.runtime.machine import Machine
from frontend.images import boot
from tests.integration.harness import ROOT, Builder, programs

pytestmark = pytest.mark.integration

PAGE = ROOT / "docs" / "containers.md"
PROBE = programs.PROGRAMS / "containers.sh"
BEGIN, END = "<!-- written by tests/integration/test_containers.py -->\n", "<!-- to here -->\n"

DOCKERFILE = """\
FROM debian:trixie-slim
RUN mkdir /run/app /srv/app && chown 1000:1000 /run/app /srv/app
COPY probe.sh /probe.sh
ENV MOTTO="more than  one word"
ENV TWO="a\\nLD_PRELOAD=/x"
WORKDIR /srv/app
USER 1000:1000
CMD ["sh", "/probe.sh"]
"""
GUEST = """\
version: v1
platforms: {{framework: linux, monitor: qemu}}
kernel: {{from: source}}
rootfs: {{from: "{base}", type: {kind}}}
envs: {{TWO: "a\\nLD_PRELOAD=/x"}}
ports: [80]
"""
KINDS = ("raw", "block", "initrd")
OF_THE_ENGINE = ("Max open files", "Max processes", "Max core file size", "Max locked memory")
"""Limits that a container has from its engine's own process, so that each machine has others."""
DIFFERS = ("net/core/somaxconn", "vm/dirty_expire_centisecs")
"""What is the host's for a container."""

Facts = dict[tuple[str, str], str]


def facts(output: str) -> Facts:
    """What the probe printed."""
    found = re.findall(r"^(\w+)\|([^|\n]+)\|(.*?)\r?$", output, re.MULTILINE)
    return {(topic, what): value or "none" for topic, what, value in found}


@pytest.fixture(scope="module")
def images(builder: Builder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The container's image, and the guests' by the type of their root filesystem."""
    folder = tmp_path_factory.mktemp("containers")
    (folder / "probe.sh").write_bytes(PROBE.read_bytes())
    base = builder.push(folder, DOCKERFILE)
    made = {"docker": base}
    for kind in KINDS:
        made[kind] = builder.build(folder, GUEST.format(base=base, kind=kind)).ref
    return made


@pytest.fixture(scope="module")
def container(builder: Builder, images: dict[str, str]) -> Facts:
    """What Docker's container has."""
    options = ("--rm", "-e", "TWO=a\nLD_PRELOAD=/x")
    done = builder.docker("run", *options, images["docker"])
    found = facts(done.ok().log)
    for what in OF_THE_ENGINE:
        found["limits", what] = "the engine's"
    for what in DIFFERS:
        found["sysctls", what] = "the host's"
    return found


@pytest.fixture(scope="module")
def guests(images: dict[str, str], request: pytest.FixtureRequest) -> dict[str, Facts]:
    """What each guest has, under the newest urunc, with the name that Docker gives a container."""
    found = {}
    for kind in KINDS:
        machine = Machine(network=True, memory=512)
        outcome = boot.boot(images[kind], machine=machine, env={"HOSTNAME": "3f2a9c"}, timeout=180)
        assert outcome.status == 0, outcome.output
        assert "hutch-init: exit status 0\n" in outcome.output
        assert re.search("^a line for the log", outcome.output, re.MULTILINE), outcome.output
        found[kind] = facts(outcome.output)
    return found


def table(container: Facts, guests: dict[str, Facts]) -> str:
    """The page's table: where the guests differ each is named."""
    lines = []
    topics = list(dict.fromkeys(topic for topic, _ in container))
    for topic in topics:
        lines += [f"\n### {topic.capitalize()}\n", "| | container | guest |", "|---|---|---|"]
        for key, value in container.items():
            if key[0] != topic:
                continue
            told = {kind: guests[kind].get(key, "none") for kind in KINDS}
            guest = next(iter(told.values()))
            if len(set(told.values())) > 1:
                guest = ", ".join(f"{kind}: {word}" for kind, word in told.items())
            lines.append(f"| {key[1]} | {value} | {guest} |")
    return "\n".join(lines) + "\n\n"


def test_the_page_is_what_is_found(
    container: Facts, guests: dict[str, Facts], request: pytest.FixtureRequest
) -> None:
    assert len(container) > 40
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    shown, _, after = rest.partition(END)
    found = table(container, guests)
    if request.config.getoption("--update-goldens"):
        PAGE.write_text(before + BEGIN + found + END + after, encoding="utf-8")
        shown = found
    assert shown == found


def test_a_guest_has_what_a_container_has(container: Facts, guests: dict[str, Facts]) -> None:
    """Where the page does not say why not."""
    other = {
        "limits": set(OF_THE_ENGINE),
        "sysctls": set(DIFFERS),
        "devices": {"/dev/tty can be opened", "/dev/mem is there"},
        "process": {"process 1 is the program"},
        "mounts": {path for topic, path in container if topic == "mounts" and path[0] == "/"},
    }
    for kind, found in guests.items():
        for (topic, what), value in container.items():
            if what in other.get(topic, ()):
                continue
            if kind == "raw" and what in ("a socket in /srv/app", "a FIFO in /srv/app"):
                assert found[topic, what] == "no"  # QEMU's 9p server refuses them
                continue
            assert found[topic, what] == value, (kind, what)
        assert found["limits", "Max open files"] == "1048576, at most 1048576"
        assert found["sysctls", "a user listens on port 80"] == "yes"


@pytest.mark.parametrize("urunc", ["0.6.0", "0.7.0"])
def test_values_that_the_runtime_cannot_carry(
    images: dict[str, str], booted: Callable[..., str], urunc: str
) -> None:
    """0.6 cuts at blanks, 0.7 at newlines: what the image has is known."""
    output = booted(images["block"], machine=Machine(version=urunc, memory=512))
    found = facts(output)
    assert found["process", "a value with a newline is whole"] == "yes"
    assert found["process", "a value with blanks is whole"] == "yes"
    assert found["process", "user and groups"] == "1000:1000 1000"
    # Without a network nobody reaches the image's port.
    assert re.search(
        r"^hutch-init: nobody can reach port 80(/tcp)?: there is no eth0", output, re.M
    )
