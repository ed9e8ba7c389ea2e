"""The graphs of the MirageOS examples on every platform, and who depends on whom in them."""

from __future__ import annotations

import itertools
import re
import subprocess
from pathlib import Path

import pytest

import llb
from frameworks.base import Image
from frameworks.diagnostics import Problems
from frameworks.mirage import configured
from frameworks.mirage.project import WORDS
from frameworks.mirage.steps.project import look, main
from llb import Platform
from tests.places import ROOT
from tests.unit.core.helpers import (
    AMD64,
    FakeInputs,
    check_golden,
    graph,
    lower,
    steps_with_network,
)

PLATFORMS = {"amd64": AMD64, "arm64": Platform("linux", "arm64")}
MIRAGE = """\
version: v1
platforms: {framework: mirage, monitor: spt}
kernel: {from: source}
app: {from: local, path: .}
"""


def kernel(text: str, epoch: int | None = None, inputs: FakeInputs | None = None) -> str:
    file = lower(text, inputs, epoch=epoch).kernel
    assert file is not None
    return graph(file.state)


def test_the_toolchain_is_built_for_the_kernel_s_line() -> None:
    """A build context that is no tree of Solo5's is shown there."""
    made = lower(MIRAGE).kernel
    assert made is not None
    definition = made.state.marshal(platform=AMD64).to_pb()
    lines = {
        metadata.description.get("llb.customname", ""): [
            each.start.line
            for place in definition.Source.locations[digest].locations
            for each in place.ranges
        ]
        for digest, metadata in definition.metadata.items()
    }
    for name in ("build Solo5", "build OCaml for Solo5", "fetch OCaml's source"):
        assert lines[f"[mirage] {name}"] == [3]


EXAMPLES = ("mirage-hello", "mirage-http", "mirage-block", "mirage-config")


@pytest.mark.parametrize(("name", "architecture"), [*itertools.product(EXAMPLES, PLATFORMS)])
def test_the_examples(name: str, architecture: str, update_goldens: bool) -> None:
    platform = PLATFORMS[architecture]
    folder = ROOT / "examples" / name
    brought = FakeInputs(there=[f"/{path.relative_to(folder)}" for path in folder.rglob("*")])
    lowering = lower((folder / "bunnyfile").read_text(), brought, platform=platform)
    check_golden(f"{name}-{architecture}", lowering, update=update_goldens)


@pytest.mark.parametrize("name", ["mirage-http", "mirage-block"])
def test_the_libraries_of_an_example_are_pinned(name: str) -> None:
    """Each is one commit, and both examples have the same one."""
    table = (ROOT / "examples" / name / "libraries.sh").read_text().split("END")[1]
    rows = table.partition("\n")[2].splitlines()
    assert rows == sorted(rows)
    assert all(re.fullmatch(r"[\w-]+ [\w-]+/[\w-]+ [0-9a-f]{40} [\w.+-]+", row) for row in rows)
    other = (ROOT / "examples" / "mirage-http" / "libraries.sh").read_text()
    assert {row for row in rows if row not in other and "mirage-block" not in row} == set()


def test_one_toolchain_for_all_applications() -> None:
    """Nor monitor, nor date, nor what is built in it: for one architecture it is one vertex."""
    first = graph(lower(MIRAGE).toolchain)
    for text in (
        MIRAGE.replace("spt", "hvt"),
        MIRAGE.replace("spt", "qemu"),
        MIRAGE.replace("path: .", "path: other"),
    ):
        assert graph(lower(text).toolchain) == first
    assert graph(lower(MIRAGE, epoch=1234).toolchain) == first


def test_no_step_of_the_kernel_has_the_network() -> None:
    """What is fetched is sources and packages; what runs on them is alone."""
    lowering = lower(MIRAGE)
    assert lowering.kernel is not None
    assert steps_with_network(lowering.kernel.state) == {
        "[mirage] install the toolchain",
        "[mirage] fetch OCaml's source",
    }


def test_build_contexts_stand_in_for_the_trees() -> None:
    names = ("solo5", "ocaml-solo5", "ocaml")
    trees = {name: Image(llb.local(name), "") for name in names}
    made = kernel(MIRAGE, inputs=FakeInputs(named=trees))
    assert all(f"local://{name}" in made for name in names)
    assert "git://" not in made
    assert "fetch OCaml's source" not in made


def test_what_an_application_lacks(tmp_path: Path) -> None:
    assert look(str(tmp_path)) == "none"
    (tmp_path / "dune-project").touch()
    assert look(str(tmp_path)) == "unruled"
    out = tmp_path / "out"
    assert main([str(tmp_path), str(out)]) == 0
    assert out.read_text() in WORDS
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "dune").touch()
    assert look(str(tmp_path)) == ""


def test_the_report_is_said_at_the_applications_line() -> None:
    lowering = lower(MIRAGE)
    framework, plan = lowering.framework, lowering.plan
    report = framework.report(lowering.build)
    assert report is not None
    assert report.path == "/report"
    (found,) = framework.explain(b"unruled", plan)
    assert found.code == "not-an-application"
    assert "dist/NAME.spt" in found.hint
    assert framework.explain(b"", plan) == ()
    built = lower(MIRAGE.replace("path: .", "path: ., build: make"))
    assert framework.report(built.build) is None


@pytest.mark.parametrize(
    ("app", "there", "said"),
    [
        ("path: .", (), "neither a dune-project nor a config.ml"),
        ("path: .", ("/dune-project",), "has no dist/dune"),
        ("path: .", ("/dune-project", "/dist/dune"), ""),
        ("path: .", ("/config.ml",), ""),
        ("path: ., options: {net: direct}", ("/dune-project", "/dist/dune"), "has no config.ml"),
        ("path: ., options: {net: direct}", ("/config.ml",), ""),
        # What a script brings, only its step knows.
        ("path: ., fetch: make fetch", (), ""),
        ("path: ., build: make", (), ""),
    ],
)
def test_what_is_no_application_is_refused_before_a_toolchain_is_built(
    app: str, there: tuple[str, ...], said: str
) -> None:
    text = MIRAGE.replace("path: .", app)
    if not said:
        assert lower(text, FakeInputs(there=there)).kernel is not None
        return
    with pytest.raises(Problems) as caught:
        lower(text, FakeInputs(there=there))
    (found,) = caught.value.diagnostics
    assert found.code == "not-an-application"
    assert said in found.message
    assert found.at is not None
    assert MIRAGE.splitlines()[3][found.at.start.character :].startswith(".")


OPTIONS = """\
version: v1
platforms: {framework: mirage, monitor: hvt}
kernel: {from: source}
app:
  from: local
  path: .
  packages: [libgmp-dev]
  options: {net: direct, no-dhcp: true, ipv6: false, group: 3}
"""


class TestConfigured:
    """Applications with a config.ml, or with keys for one."""

    def test_the_steps(self) -> None:
        """Fetching alone has the network, and keys are words of the tool's command line."""
        lowering = lower(OPTIONS)
        assert lowering.kernel is not None
        ops = [
            op for op in lowering.kernel.state.marshal(platform=AMD64).ops() if op.kind == "exec"
        ]
        assert steps_with_network(lowering.kernel.state) == {
            "[mirage] install the toolchain",
            "[mirage] install opam",
            "[mirage] fetch packages of 'app'",
            "[mirage] fetch OCaml's source",
            "[mirage] install what builds MirageOS's tool",
            "[mirage] fetch MirageOS's tool",
            "[mirage] fetch the application's libraries",
        }
        (step,) = (op for op in ops if op.name == "[mirage] configure for Solo5's hvt")
        words = list(step.message.exec.meta.args)[2:]
        assert words == ["build", "hvt", "--net=direct", "--no-dhcp", "--group=3"]

    @pytest.mark.parametrize(
        ("there", "configures"),
        [
            (None, False),
            (("/config.ml",), True),
            (("/config.ml", "/dist/dune"), False),
            (("/dist/dune",), False),
        ],
    )
    def test_what_the_application_has_decides(
        self, there: tuple[str, ...] | None, configures: bool
    ) -> None:
        assert ("fetch MirageOS" in kernel(MIRAGE, inputs=FakeInputs(there=there))) == configures

    def test_the_tool_is_one_layer_for_all(self) -> None:
        """Neither the monitor, the application nor the guest's architecture changes it."""
        made = {
            framework_tool(text, platform)
            for platform in PLATFORMS.values()
            for text in (
                OPTIONS,
                OPTIONS.replace("hvt", "spt"),
                OPTIONS.replace("direct", "socket").replace("path: .", "path: other"),
                f"{OPTIONS}toolchain: {{packages: [gawk]}}\n",
            )
        }
        assert len(made) == 1

    def test_build_contexts_stand_in_for_the_repositories(self) -> None:
        names = ("opam-repository", "opam-overlays", "opam-archives", "mirage")
        trees = {name: Image(llb.local(name), "") for name in names}
        made = kernel(OPTIONS, inputs=FakeInputs(named=trees))
        assert all(f"local://{name}" in made for name in names)
        assert "opam-repository" not in "".join(
            line for line in made.splitlines() if "git://" in line
        )

    def test_brought_archives_are_where_packages_are_fetched(self) -> None:
        """In the steps with the network, which leave what is needed of them to the others."""
        trees = {"opam-archives": Image(llb.local("opam-archives"), "")}
        lowering = lower(OPTIONS, FakeInputs(named=trees))
        assert lowering.kernel is not None
        ops = lowering.kernel.state.marshal(platform=AMD64).ops()
        have = {
            op.name.removeprefix("[mirage] ")
            for op in ops
            if op.kind == "exec"
            for mount in op.message.exec.mounts
            if mount.dest == "/repositories/opam-archives"
        }
        assert have == {"fetch MirageOS's tool", "fetch the application's libraries"}

    def test_its_own_build_needs_no_tool(self) -> None:
        text = MIRAGE.replace("path: .", "path: ., build: make")
        assert "install opam\n" not in kernel(text, inputs=FakeInputs(there=("/config.ml",)))

    # What mirage 4.11.1 said, built with cmdliner 1.3; and cmdliner 2's order.
    @pytest.mark.parametrize(
        ("key", "said", "message"),
        [
            (
                "net",
                "mirage: [WARNING] Skipping version check\n"
                "mirage: unknown option '--net', did you mean '--nett'?\n"
                "Usage: mirage configure [OPTION]…\n"
                "Try 'mirage configure --help' or 'mirage --help' for more information.\n",
                "the application has no key 'net' (did you mean nett?)",
            ),
            (
                "net",
                "Usage: mirage configure [--help] [OPTION]…\n"
                "mirage: unknown option \x1b[1m--net\x1b[m\n",
                "the application has no key 'net' ('mirage configure --help' lists the keys of its "
                "config.ml)",
            ),
            (
                "net",
                "mirage: option '--net': invalid value 'bogus', expected one of 'host',\n"
                "        'socket', 'direct' or 'ocaml'\nUsage: mirage configure [OPTION]…\n",
                "the application's key 'net': invalid value 'bogus', expected one of 'host', "
                "'socket', 'direct' or 'ocaml'",
            ),
            (
                "no-dhcp",
                "mirage: option '--no-dhcp' is a flag, it cannot take the argument 'true'\n",
                "the application's key 'no-dhcp' is a flag, it cannot take the argument 'true'",
            ),
            (
                "group",
                "mirage: option '--group' needs an argument\nUsage: mirage configure [OPTION]…\n",
                "the application's key 'group' needs an argument",
            ),
        ],
    )
    def test_what_the_tool_says_is_said_at_the_key(self, key: str, said: str, message: str) -> None:
        lowering = lower(OPTIONS)
        (found,) = lowering.framework.explain(b"configure:\n" + said.encode(), lowering.plan)
        assert found.message + (f" ({found.hint})" if found.hint else "") == message
        assert lowering.plan.app is not None
        names = {str(each.name): each.name.at for each in lowering.plan.app.options}
        assert found.at == names[key]

    def test_other_failures_are_left_to_the_tools_own_words(self) -> None:
        lowering = lower(OPTIONS)
        said = b'configure:\nFile "config.ml", line 3: Unbound value foo\n'
        assert lowering.framework.explain(said, lowering.plan) == ()
        report = lowering.framework.report(lowering.build)
        assert report is not None
        assert "report hvt --net=direct" in graph(report.state)


def framework_tool(text: str, platform: Platform) -> str:
    """The graph of opam's tree with the tool."""
    return graph(configured.tool(lower(text, platform=platform).build))


class TestMirageStep:
    """steps/mirage.sh, on directories of the test's own."""

    def run(self, app: Path, target: str = "spt") -> subprocess.CompletedProcess[str]:
        script = (ROOT / "frameworks/mirage/steps/mirage.sh").read_text()
        (app / "out").mkdir(exist_ok=True)
        script = script.replace("cd /app", f"cd '{app}'").replace(
            "/out/kernel", f"{app}/out/kernel"
        )
        return subprocess.run(
            ["/bin/sh", "-c", script, "mirage.sh", target, "built"],
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_takes_the_one_kernel(self, tmp_path: Path) -> None:
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist" / "app.spt").write_text("kernel")
        (tmp_path / "dist" / "app.hvt").write_text("another")
        promoted = tmp_path / "_build" / "solo5" / "dist"
        promoted.mkdir(parents=True)
        (promoted / "app.spt").write_text("kernel")
        done = self.run(tmp_path)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "out" / "kernel").read_text() == "kernel"
        assert (tmp_path / "out" / "kernel").stat().st_mode & 0o777 == 0o755

    def test_says_that_there_is_none(self, tmp_path: Path) -> None:
        (tmp_path / "dist").mkdir()
        (tmp_path / "dist" / "app.hvt").write_text("another")
        done = self.run(tmp_path)
        assert done.returncode == 1
        assert "the build left no dist/*.spt" in done.stderr
        assert "app.hvt" in done.stderr

    def test_says_that_there_are_several(self, tmp_path: Path) -> None:
        (tmp_path / "dist").mkdir()
        for name in ("a.spt", "b.spt"):
            (tmp_path / "dist" / name).write_text("kernel")
        done = self.run(tmp_path)
        assert done.returncode == 1
        assert "several kernels: dist/a.spt and dist/b.spt" in done.stderr
