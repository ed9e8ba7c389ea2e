"""What a build says of itself: the kernel, its configuration, and what was fetched."""

from __future__ import annotations

import json

import pytest

import llb
from frameworks.base import Image
from frameworks.components import Component
from frameworks.diagnostics import Problems, problem
from frameworks.linux.versions import versions
from frameworks.spec import Text
from frontend import sbom
from frontend.sbom.metadata import facts
from llb.tree import render
from tests.unit.core.helpers import AMD64, FakeInputs, lower

HEAD = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
COMMIT = "c" * 40
GIT = "source: {git: 'https://example.com/linux.git', ref: v1, commit: '" + "a" * 40 + "'}"


def found(text: str, read: bool = True, files: str = "") -> dict[str, str]:
    """The facts of an image; every file of the context but `files` is empty."""
    lowering = lower(HEAD + text + "cmd: [a]\n")
    graph = llb.merge(lowering.layers).marshal(platform=AMD64)

    def give(path: Text) -> bytes:
        if path in files.split():
            raise problem("no-such-file", f"there is no '{path}'", at=path.at)
        return b""

    return facts(lowering, graph, give if read else None)


def test_the_package_of_a_kernel_s_source_is_fetched_too() -> None:
    """By apt, in a step, so that the graph does not name it."""
    series = versions().series[versions().default]
    known = found("kernel: {from: source}\n")
    purl = f"pkg:deb/debian/{series.package}@{series.version}?arch=all"
    assert known["hutch.kernel.source"] == purl
    assert known["hutch.kernel.version"] == series.version
    assert known["hutch.kernel.config"].startswith("sha256:")
    *images, package = json.loads(known["hutch.sources"])
    assert any("debian" in each["uri"] for each in images)
    assert package == {"uri": purl, "digest": ""}


def test_a_repository_is_named_once() -> None:
    known = found(f"kernel: {{from: source, {GIT}}}\n")
    uris = [each["uri"] for each in json.loads(known["hutch.sources"])]
    assert sum("linux.git" in uri for uri in uris) == 1


def test_a_result_without_the_kernel() -> None:
    known = found("kernel: {from: source}\nrootfs: {from: 'nginx:1'}\n", read=False)
    assert known.keys() == {"hutch.framework", "hutch.sources"}


def test_the_configuration_is_what_was_asked_for() -> None:
    asked = [
        "config: tiny",
        "config: my.config",
        "fragments: [a.config]",
        "options: {IKCONFIG: true}",
        "cmdline: quiet",
    ]
    digests = {found(f"kernel: {{from: source, {k}}}\n")["hutch.kernel.config"] for k in asked}
    assert len(digests) == len(asked)


@pytest.mark.parametrize(
    ("platforms", "asked"),
    [
        (
            "{framework: mirage, monitor: spt}",
            ["", ", options: {net: direct}", ", options: {net: socket}"],
        ),
        (
            "{framework: unikraft, monitor: qemu}",
            ["", ", libraries: [musl]", ", libraries: [musl, lwip]"],
        ),
    ],
)
def test_an_application_is_part_of_its_kernel_s_configuration(
    platforms: str, asked: list[str]
) -> None:
    digests = set()
    for more in asked:
        text = f"version: v1\nplatforms: {platforms}\nkernel: {{from: source}}\n"
        lowering = lower(f"{text}app: {{from: local, path: .{more}}}\n")
        graph = llb.merge(lowering.layers).marshal(platform=AMD64)
        digests.add(facts(lowering, graph, lambda path: b"")["hutch.kernel.config"])
    assert len(digests) == len(asked)


@pytest.mark.parametrize(
    ("origin", "version", "purl"),
    [
        ("local", "", "pkg:generic/application"),
        (
            f"'https://example.com/app.git#{COMMIT}'",
            COMMIT,
            f"pkg:generic/app@{COMMIT}?vcs_url=git%2Bhttps://example.com/app.git%40{COMMIT}",
        ),
    ],
)
@pytest.mark.parametrize("lines", ["", "\n  build: make"])
def test_the_source_of_a_kernel_that_is_its_application(
    origin: str, version: str, purl: str, lines: str
) -> None:
    """It is the application's; what runs it is among the sources, and in the toolchain."""
    text = "version: v1\nplatforms: {framework: mirage, monitor: spt}\nkernel: {from: source}\n"
    lowering = lower(f"{text}app:\n  from: {origin}{lines}\n")
    graph = llb.merge(lowering.layers).marshal(platform=AMD64)
    known = facts(lowering, graph, lambda path: b"")
    assert known["hutch.kernel.source"] == purl
    assert known.get("hutch.kernel.version", "") == version
    uris = [each["uri"] for each in json.loads(known["hutch.sources"])]
    assert [uri.partition("@")[0].rpartition("/")[2] for uri in uris if uri.startswith("git+")] == [
        *(["app.git"] if version else []),
        "solo5",
        "ocaml-solo5",
    ]
    described = sbom.facts(lowering, graph)
    assert described.kernel is None
    assert described.linked
    assert described.application is not None
    assert described.application.purl == purl


def test_every_missing_file_is_said_at_its_place() -> None:
    text = "kernel:\n  from: source\n  config: my.config\n  fragments: [a.config, b.config]\n"
    with pytest.raises(Problems) as raised:
        found(text, files="my.config b.config")
    places = [(d.message, d.at.start.line) for d in raised.value.diagnostics if d.at is not None]
    assert places == [("there is no 'my.config'", 5), ("there is no 'b.config'", 6)]


@pytest.mark.parametrize("framework", ["unikraft", "rumprun"])
@pytest.mark.parametrize("said", ["", ", source: {git: 'https://example.com/k.git', ref: v1}"])
def test_a_kernel_of_the_framework_s_own_build_context(framework: str, said: str) -> None:
    """Its source is a directory of the user's, and no repository that was not fetched."""
    monitor = {"unikraft": "qemu", "rumprun": "spt"}[framework]
    text = (
        f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n"
        f"kernel: {{from: source{said}}}\napp: {{from: local, path: ., build: make}}\n"
    )
    tree = Image(llb.local("mine"), "")
    lowering = lower(text, FakeInputs(named={framework: tree}))
    graph = llb.merge(lowering.layers).marshal(platform=AMD64)
    known = facts(lowering, graph, lambda path: b"")
    assert known["hutch.kernel.source"] == f"pkg:generic/{framework}"
    assert "hutch.kernel.version" not in known
    assert framework not in known["hutch.sources"]
    assert "example.com" not in known["hutch.sources"]
    assert "local://mine" in render(graph)
    described = sbom.facts(lowering, graph)
    assert described.kernel == Component(framework, purl=f"pkg:generic/{framework}")
