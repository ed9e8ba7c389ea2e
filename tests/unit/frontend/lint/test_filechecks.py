"""Lint rules, their pages, and the comments that switch them off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest

from frameworks.diagnostics import Problems, Severity
from frontend.bunnyfile import load
from frontend.lint import filechecks, imagechecks
from frontend.lint.directive import parse_options
from frontend.lint.filechecks import lint
from frontend.lint.findings import Report
from frontend.lint.rules import RULES, Phase
from frontend.plan import make
from llb import Platform
from tests.places import ROOT
from tests.unit.frontend.bunnyfile import corpus

PAGES = ROOT / "docs" / "rules"
# Found where the file alone does not tell, and tested there.
ELSEWHERE = {
    "ForeignLock",  # of the file beside it
    "InheritedLabel",  # a Dockerfile's
    "UnknownArgument",  # of the command line
    "UnlockedSource",  # of the file beside it
    *(name for name, rule in RULES.items() if rule.phases == (Phase.IMAGE,)),
}
NEW = "version: v1\nplatforms: {framework: linux, monitor: qemu}\n"
UNPINNED = NEW + "kernel: {from: source}\nrootfs: {from: nginx}\ncmd: [a]\n"


def run(source: str, options: str | None = None, contexts: Iterable[str] = ()) -> Report:
    """What lint finds in a file, with what its framework notes where it can be planned."""
    loaded = load(source.encode(), "bunnyfile", {"TARGETARCH": "amd64", "TAG": "x"})
    try:
        noted = make(loaded.bunnyfile, loaded.file, Platform("linux", "amd64")).warnings
    except Problems:
        noted = ()
    return lint(loaded, options, ["sources", *contexts], noted)


def names(source: str) -> list[str]:
    return [found.code for found in run(source).findings]


def examples(page: str) -> dict[str, str]:
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (\w+)\n\n```yaml\n(.*?)^```", text, re.S | re.M))


def of_phase(phase: Phase) -> set[str]:
    return {name for name, rule in RULES.items() if phase in rule.phases}


def test_each_rule_has_a_check_in_each_of_its_phases() -> None:
    assert all(rule.phases for rule in RULES.values())
    assert set(filechecks.CHECKS) == of_phase(Phase.FILE)
    assert set(imagechecks.CHECKS) == of_phase(Phase.IMAGE)


def test_what_makes_a_plan_notes_the_plan_s() -> None:
    """A name after `warn(` or `_warning(`, in what makes the plans of bunnyfiles or Dockerfiles."""
    makers = [
        ROOT / "frontend" / "containerfile.py",
        *(ROOT / "frontend" / "plan").glob("*.py"),
        *(ROOT / "frameworks").rglob("*.py"),
    ]
    text = "".join(path.read_text(encoding="utf-8") for path in makers)
    noted = {name for name in re.findall(r'(?:\bwarn|_warning)\(\s*"([A-Z]\w+)"', text)}
    noted |= set(re.findall(r'^IGNORED = "(\w+)"$', text, re.M))
    assert noted == of_phase(Phase.PLAN)


def test_each_rule_has_a_page() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_the_examples_of_a_page(name: str) -> None:
    """A bad example is found by the page's own rule and no other; a good one by none."""
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    looked = ", ".join(RULES[name].phases)
    assert text.startswith(f"# {name}\n\n{RULES[name].description}.\n\nLooked at: {looked}.\n\n")
    assert RULES[name].url == f"docs/rules/{name}.md"
    if name in ELSEWHERE:
        assert not any(names(each) for each in examples(name).values())
        return
    assert names(examples(name)["Bad"]) == [name]
    assert names(examples(name)["Good"]) == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("", False),
        ("init: none\n", True),
        ("init: /sbin/init\n", True),
        ("init: /urunit\n", False),
    ],
)
@pytest.mark.parametrize("value", ["two words", "two\\nlines", "one"])
def test_values_that_nobody_carries_whole(more: str, value: str, found: bool) -> None:
    source = NEW + f'kernel: {{from: source}}\ncmd: [a]\nenvs: {{MOTTO: "{value}"}}\n{more}'
    source += "rootfs: {include: [a]}\n"
    assert names(source) == (["LostWithoutInit"] if found and value != "one" else [])


def test_values_that_unikraft_is_given_as_words() -> None:
    source = "version: v1\nplatforms: {framework: unikraft, monitor: qemu}\n"
    source += "kernel: {from: local, path: k}\ncmd: [a]\nenvs: {ONE: a, TWO: 'a b'}\n"
    (found,) = run(source).findings
    assert found.code == "LostWithoutInit"
    assert "the value of 'TWO' ends at its first blank in Unikraft" in found.message


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("one", False),
        ("two words", True),
        ("", True),
        ("'two words'", False),
        ("--a='two words'", False),
        ("'two' words", True),
        ("two 'words'", True),
    ],
)
def test_words_that_rumprun_splits(word: str, found: bool) -> None:
    source = "version: v1\nplatforms: {framework: rumprun, monitor: spt}\n"
    source += f'kernel: {{from: local, path: k}}\ncmd: [a, "{word}", "x y"]\n'
    source = source if found else source.replace(', "x y"', "")
    assert names(source) == ["LostWithoutInit"] * found
    assert "splits the command" in str(run(source).findings) or not found


MIRAGE, UNIKRAFT = ("mirage", "spt"), ("unikraft", "qemu")


@pytest.mark.parametrize(
    ("guest", "word", "said"),
    [
        (MIRAGE, "--hello=a b", "splits the command"),
        (MIRAGE, '--hello="a b"', ""),
        (MIRAGE, "--hello=a\\ b", ""),
        (MIRAGE, '"a \\" b"', ""),
        (MIRAGE, "'a b'", "splits the command"),
        (MIRAGE, "it's", ""),
        (MIRAGE, 'a"b', "reads quotes"),
        (MIRAGE, "a\\", "reads quotes"),
        (MIRAGE, "", "an empty word is none"),
        (UNIKRAFT, "two words", "splits the command"),
        (UNIKRAFT, "two\twords", "splits the command"),
        (UNIKRAFT, "'two words'", ""),
        (UNIKRAFT, '--a="two words"', ""),
        (UNIKRAFT, "two\\ words", ""),
        (UNIKRAFT, "it's", "reads quotes"),
        (UNIKRAFT, "it\\'s", ""),
        (UNIKRAFT, "", "an empty word is none"),
    ],
)
def test_words_that_unikernels_split(guest: tuple[str, str], word: str, said: str) -> None:
    """As their kernels read them: seen on MirageOS with mirage-bootvar 1.0.1, Unikraft 0.16.3."""
    framework, monitor = guest
    source = f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n"
    source += f"kernel: {{from: local, path: k}}\ncmd: [a, {json.dumps(word)}]\n"
    found = [each for each in run(source).findings if each.code == "LostWithoutInit"]
    assert bool(found) == bool(said)
    for each in found:
        assert said in each.message
        assert each.at is not None
        assert each.at.start.line == 4
        assert bool(each.hint) == bool(word)


def test_findings_are_warnings_with_a_place() -> None:
    (found,) = run(UNPINNED).findings
    assert found.severity is Severity.WARNING
    assert found.at is not None
    assert found.at.start.line == 4
    assert str(found).startswith("bunnyfile:4:16: 'nginx' is whatever")


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ("nginx:1.27", False),
        ("nginx:latest", True),
        ("library/nginx", True),
        ("registry.example.com:5000/nginx", True),
        ("registry.example.com:5000/nginx:1", False),
        ("nginx@sha256:" + "0" * 64, False),
        ("nginx", True),
        # A build context's name.
        ("sources", False),
    ],
)
def test_unpinned_images(image: str, found: bool) -> None:
    source = NEW + f"kernel: {{from: source}}\nrootfs: {{from: '{image}'}}\ncmd: [a]\n"
    assert names(source) == (["UnpinnedImage"] if found else [])


@pytest.mark.parametrize(
    ("image", "context", "found"),
    [
        ("nginx", "nginx", False),
        ("nginx:latest", "nginx", False),
        ("docker.io/library/nginx", "nginx", False),
        ("nginx:latest", "nginx::linux/amd64", False),
        ("registry.example.com/nginx", "nginx", True),
        ("nginx:latest", "nginx:1.27", True),
    ],
)
def test_a_build_context_in_the_place_of_an_image(image: str, context: str, found: bool) -> None:
    """The names are buildx's: it leaves out Docker Hub and `:latest`, and may add a platform."""
    source = NEW + f"kernel: {{from: source}}\nrootfs: {{from: '{image}'}}\ncmd: [a]\n"
    assert bool(run(source, contexts=[context]).findings) is found


@pytest.mark.parametrize(
    ("framework", "monitor", "rootfs", "found"),
    [
        ("rumprun", "hvt", "type: raw", "devmapper"),
        ("rumprun", "spt", "type: block", ""),
        ("linux", "firecracker", "type: raw", "devmapper"),
        ("linux", "firecracker", "from: scratch", "devmapper"),  # its default
        ("linux", "firecracker", "from: local, path: a.ext4", ""),
        ("linux", "qemu", "type: raw", ""),
        ("linux", "cloud-hypervisor", "type: raw", ""),
        ("freebsd", "firecracker", "type: raw", "devmapper"),
        ("freebsd", "firecracker", "from: scratch", ""),
        ("unikraft", "firecracker", "type: raw", "cannot use"),
        ("unikraft", "qemu", "type: raw", ""),
        ("mirage", "qemu", "type: block", "no disk"),
        ("mirage", "hvt", "type: block", ""),
        ("generic", "firecracker", "type: raw", ""),
    ],
)
def test_root_file_systems_that_no_guest_gets(
    framework: str, monitor: str, rootfs: str, found: str
) -> None:
    source = (
        f"version: v1\nplatforms: {{framework: {framework}, monitor: {monitor}}}\n"
        f"kernel: {{from: local, path: k}}\nrootfs: {{{rootfs}}}\ncmd: [a]\n"
    )
    mine = [each for each in run(source).findings if each.code == "UnusableRootfs"]
    assert len(mine) == bool(found)
    assert all(found in each.message for each in mine)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("API_TOKEN", True),
        ("password", True),
        ("TOKEN_FILE", False),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("KEYBOARD", False),
    ],
)
def test_secrets(name: str, found: bool) -> None:
    source = NEW + f"kernel: {{from: source}}\ncmd: [a]\nenvs: {{{name}: x}}\n"
    assert names(source) == (["SecretInEnvs"] if found else [])


def test_the_long_file() -> None:
    assert names(corpus.FULL) == [
        "UnusedArgument",  # TAG
        "UnquotedNumber",  # a commit of digits
        "UnpinnedImage",  # nginx:latest
        "UnquotedNumber",  # mode: 0644
        "UnquotedNumber",  # version: 1.10
    ]


class TestDirective:
    def test_skip(self) -> None:
        for line in (
            "# check=skip=UnpinnedImage",
            "#check = skip=unpinnedimage ",
            "# check=skip=all",
        ):
            assert names(f"# syntax=x\n{line}\n{UNPINNED}") == []

    def test_only_at_the_top(self) -> None:
        assert names(f"\n# check=skip=all\n{UNPINNED}") == ["UnpinnedImage"]

    def test_error(self) -> None:
        assert run("# check=error=true\n" + UNPINNED).fails
        assert not run("# check=error=false\n" + UNPINNED).fails
        assert not run("# check=skip=UnpinnedImage;error=true\n" + UNPINNED).fails

    @pytest.mark.parametrize("said", ["true", "1", "T", "True"])
    def test_booleans_are_those_of_docker(self, said: str) -> None:
        assert run(f"# check=error={said}\n{UNPINNED}").fails

    def test_of_the_build(self) -> None:
        """It is read in the place of the file's line, as Docker does."""
        assert run(UNPINNED, "skip=UnpinnedImage").findings == ()
        assert run(UNPINNED, "error=true").fails
        mine = f"# check=skip=UnpinnedImage;error=true\n{UNPINNED}"
        assert len(run(mine, "error=false").findings) == 1
        assert not run(mine, "error=false").fails
        assert len(run(mine, "").findings) == 1

    def test_experimental_rules_are_none_of_ours(self) -> None:
        assert names(f"# check=experimental=all;skip=UnpinnedImage\n{UNPINNED}") == []

    @pytest.mark.parametrize("line", ["skip=NoSuchRule", "skip", "error=yes", "sikp=all"])
    def test_invalid(self, line: str) -> None:
        found = run(f"# check={line}\n{UNPINNED}").findings
        assert [one.code for one in found] == ["InvalidCheckDirective", "UnpinnedImage"]
        assert parse_options(line)[1]
        (first, _) = run(UNPINNED, line).findings
        assert first.message == f"BUILDKIT_DOCKERFILE_CHECK: {found[0].message}"

    def test_a_rule_s_name_is_corrected(self) -> None:
        (first, _) = run(f"# check=skip=UnpinedImage\n{UNPINNED}").findings
        assert str(first).startswith(
            "bunnyfile:1:1: there is no rule 'UnpinedImage' (did you mean 'U"
        )

    def test_only_one(self) -> None:
        found = run(f"# check=skip=UnpinnedImage\n# check=error=true\n{UNPINNED}")
        (one,) = found.findings
        assert str(one).startswith("bunnyfile:2:1: a second '# check=' is not read")
        assert not found.fails


def test_a_version_that_is_the_build_s_contradicts_nothing() -> None:
    text = NEW.replace("qemu}", 'qemu, architecture: "${TARGETARCH}"}')
    text += "kernel: {from: local, path: 'k-${TARGETARCH}'}\ncmd: [a]\n"
    assert names(text) == []
    assert names(text.replace('"${TARGETARCH}"', "amd64")) == ["ArchitectureContradiction"]


def test_arguments_reach_a_dockerfile_and_are_used_by_it() -> None:
    text = NEW + "args: {V: '1'}\nkernel: {from: local, path: k}\n"
    text += "rootfs: {dockerfile: Dockerfile, type: raw}\n"
    assert names(text) == []
    assert names(text.replace("dockerfile: Dockerfile", "include: [a]") + "cmd: [a]\n") == [
        "UnusedArgument"
    ]


def test_arguments_that_a_framework_reads() -> None:
    text = NEW + "args: {PKG_PATH: 'https://a'}\nkernel: {from: local, path: k}\ncmd: [a]\n"
    assert "UnusedArgument" in names(text)
    assert "UnusedArgument" not in names(text.replace("linux", "netbsd"))
