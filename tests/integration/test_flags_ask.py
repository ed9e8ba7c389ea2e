"""Questions and warnings: `--check`, `--call`, and lint in a build
(docs/contract/buildkit.md 4.5)."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from frontend import cli
from frontend.bunnyfile import editor, kind_of
from frontend.lint.rules import RULES
from tests.errors.test_errors import FILES, name_of
from tests.integration.harness import FILE, ROOT, Builder
from tests.integration.harness.flags import hutch, project
from tests.integration.harness.tools import run

__all__ = ["hutch", "project"]

pytestmark = pytest.mark.integration

NOTHING = ("--output", "type=cacheonly")
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/bunnyfile"))
UNPINNED = FILE.replace("  include:", "  from: scratch\n  include:") + 'envs: {API_TOKEN: "x"}\n'


@pytest.fixture(autouse=True)
def _since(hutch: Builder) -> None:
    if hutch.is_old:
        pytest.skip("buildx asks only daemons of BuildKit 0.11 and newer")


class TestCheck:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_examples_are_clean(self, hutch: Builder, tmp_path: Path, example: str) -> None:
        text = (ROOT / "examples" / example / "bunnyfile").read_text()
        lines = [line for line in text.splitlines(keepends=True) if "syntax=" not in line]
        shutil.copytree(ROOT / "examples" / example, tmp_path, dirs_exist_ok=True)
        if (tmp_path / "inputs.Dockerfile").exists():  # builds what the file takes as it is
            for name in ("vmlinuz", "hello"):
                (tmp_path / name).touch()
        (tmp_path / "bunnyfile").write_text(hutch.file("".join(lines)))
        flags = ["--check"]
        if "BASE_SHA256" in text:
            flags += ["--build-arg", f"BASE_SHA256={'0' * 64}"]
        done = hutch.buildx(tmp_path, *flags).ok()
        assert "Check complete, no warnings found." in done.log

    def test_a_finding_has_rule_page_and_line(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        done = hutch.buildx(folder, "--check")
        text = done.failed()
        assert "WARNING: SecretInEnvs - docs/rules/SecretInEnvs.md" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text
        assert "Check complete, 1 warning has been found!" in text

    def test_json(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        found = json.loads(hutch.buildx(folder, "--call=check,format=json").out)
        (warning,) = found["warnings"]
        assert warning["ruleName"] == "SecretInEnvs"
        assert warning["location"]["ranges"][0]["start"]["line"] == 14
        assert found["sources"][0]["filename"] == "bunnyfile"

    def test_an_error_is_a_finding_too(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", FILE.replace("monitor: qemu", "monitor: qemo"))
        text = hutch.buildx(folder, "--check").failed()
        assert "did you mean 'qemu'?" in text
        assert ">>>   monitor: qemo" in text

    def test_directive_in_the_file(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        head, _, rest = (folder / "bunnyfile").read_text().partition("\n")
        (folder / "bunnyfile").write_text(f"{head}\n# check=skip=SecretInEnvs\n{rest}")
        hutch.buildx(folder, "--check").ok()
        (folder / "bunnyfile").write_text(f"{head}\n# check=error=true\n{rest}")
        text = hutch.buildx(folder).failed()
        assert "looks like a secret" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text

    def test_directive_of_the_build(self, hutch: Builder, tmp_path: Path) -> None:
        """It is read in the place of the file's, and can undo it."""
        folder = hutch.project(tmp_path / "p", "# check=error=true\n" + UNPINNED)

        def said(text: str) -> tuple[str, str]:
            return "--build-arg", f"BUILDKIT_DOCKERFILE_CHECK={text}"

        hutch.buildx(folder, "--check", *said("skip=all")).ok()
        hutch.buildx(folder).failed()
        hutch.buildx(folder, *said("error=false")).ok()
        text = hutch.buildx(folder, "--check", *said("skip=Secrets")).failed()
        assert "BUILDKIT_DOCKERFILE_CHECK: there is no rule 'Secrets'" in text

    def test_a_build_context_is_no_unpinned_image(self, hutch: Builder, tmp_path: Path) -> None:
        file = FILE.replace("  include:", "  from: nginx:latest\n  type: raw\n  include:")
        folder = hutch.project(tmp_path / "p", file)
        assert "UnpinnedImage" in hutch.buildx(folder, "--check").failed()
        for name in ("nginx", "nginx:latest", "docker.io/library/nginx"):
            hutch.buildx(folder, "--check", "--build-context", f"{name}={tmp_path}").ok()


FOUND = re.compile(r"^[^ ]*bunnyfile:(\d+):(\d+): .*\[([a-z0-9-]+)\]$", re.MULTILINE)
RULE = re.compile(r"^WARNING: (\w+) - ", re.MULTILINE)
MISSING = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: source, config: ./none, fragments: [hidden], patches: [folder]}
rootfs: {include: ['none:/a', 'there:/b', '*.none:/c']}
cmd: [/b]
"""


DOCKERFILES: list[tuple[str, set[object]]] = [
    ('FROM scratch\nLABEL hutch.kernel=source\nCMD ["/a"]\n', set()),
    (
        "FROM scratch\nLABEL a=b \\\n  KEY.binry=/k\nLABEL KEY.initrd=../i\n",
        {("3", "unknown-key"), ("4", "bad-path")},
    ),
    ("FROM scratch\nLABEL KEY.unikernelType=linus\n", {("2", "unknown-framework")}),
    ("FROM scratch\nLABEL KEY.unikernelType=unikraft\n", {("2", "missing-kernel")}),
    ("FROM scratch\nLABEL KEY.hypervisor=qemo\n", {("2", "unsupported-monitor")}),
    ("FROM scratch\nLABEL hutch.kernel=local\n", {("2", "missing-key")}),
    (
        'FROM scratch\nLABEL hutch.init=none\nENV A="b c"\nUSER 1\nCMD ["/a"]\n',
        {"LostWithoutInit"},
    ),
    ("FROM scratch\nLABEL KEY.cmdline=/a\n", {"DeprecatedCmdline"}),
    ("# check=skip=NoCommand\nFROM scratch\n", set()),
    ("FROM scratch AS a\nLABEL KEY.x=y\nFROM scratch\n", {"NoCommand"}),
    ("FROM debian:trixie-slim\nLABEL KEY.binary=$K KEY.x=y\n", set()),  # the base's variable
]
"""Files, and the lines and codes, or rules, of what is found."""


class TestOneCheck:
    """`--check` and `hutch check` say the same of a file."""

    FLAGS = ("--platform", "linux/amd64")

    def builder(self, hutch: Builder, folder: Path, *flags: str) -> set[object]:
        """What the builder says: errors and rules."""
        syntax = ("--build-arg", f"BUILDKIT_SYNTAX={hutch.frontend}")
        done = hutch.buildx(folder, "--call=check,format=json", *syntax, *self.FLAGS, *flags)
        try:
            answer = json.loads(done.out)
        except ValueError:  # no answer at all
            return {*FOUND.findall(done.log)}
        text = answer.get("buildError", {}).get("message", "")
        named = {each["ruleName"] for each in answer.get("warnings") or ()}
        return {*FOUND.findall(text), *(named & set(RULES))}

    def command(self, folder: Path, *flags: str) -> set[object]:
        """What the command line says of the same file. It runs here: a process each costs more."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main(["check", *self.FLAGS, *flags, str(folder / "bunnyfile")])
        return {*FOUND.findall(err.getvalue()), *RULE.findall(out.getvalue())}

    def both(self, hutch: Builder, folder: Path, *flags: str) -> tuple[set[object], set[object]]:
        return self.builder(hutch, folder, *flags), self.command(folder, *flags)

    def compare(self, hutch: Builder, folders: Mapping[Path, set[object]]) -> None:
        """The builder says of each what the command has said."""
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda folder: self.builder(hutch, folder), folders)
            pairs = zip(folders.items(), answers, strict=True)
            differ = {at: (one, other) for (at, other), one in pairs if one != other}
        assert not differ

    def test_of_all_bad_files(self, hutch: Builder, tmp_path: Path) -> None:
        """The command reads all; of those with the same codes the builder reads one."""
        # One is a Dockerfile whose own frontend cannot be had.
        files = [path for path in FILES if kind_of(path.read_bytes()) == "bunnyfile"]
        kinds: dict[object, Path] = {}
        says: dict[Path, set[object]] = {}
        for path in files:
            folder = tmp_path / name_of(path)
            folder.mkdir(parents=True)
            shutil.copy(path, folder / "bunnyfile")
            says[folder] = self.command(folder)
            codes = (each[2] if isinstance(each, tuple) else each for each in says[folder])
            kinds.setdefault(frozenset(codes), folder)
        assert sum(map(bool, says.values())) > len(files) * 0.9
        assert len(kinds) > 50
        self.compare(hutch, {folder: says[folder] for folder in kinds.values()})

    def test_of_dockerfiles(self, hutch: Builder, tmp_path: Path) -> None:
        folders = {}
        for number, (text, expected) in enumerate(DOCKERFILES):
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / "bunnyfile").write_text(text.replace("KEY.", "com.urunc.unikernel."))
            folders[folder] = self.command(folder)
            lines = {(each[0], each[2]) for each in folders[folder] if isinstance(each, tuple)}
            rules = {each for each in folders[folder] if isinstance(each, str)}
            assert lines | rules == expected, text
        self.compare(hutch, folders)

    def test_of_what_is_not_there(self, hutch: Builder, tmp_path: Path) -> None:
        (tmp_path / "bunnyfile").write_text(MISSING)
        (tmp_path / "there").write_text("")
        (tmp_path / "hidden").write_text("")
        (tmp_path / "folder").mkdir()
        (tmp_path / ".dockerignore").write_text("hid*\n")
        one, other = self.both(hutch, tmp_path)
        assert one == other
        codes = {each[2] for each in one if isinstance(each, tuple)}
        assert codes == {"no-such-file", "not-a-file"}
        assert len(one) == 4

    def test_of_examples(self, hutch: Builder, tmp_path: Path) -> None:
        for example in EXAMPLES:
            folder = tmp_path / example
            shutil.copytree(ROOT / "examples" / example, folder)
            one, other = self.both(hutch, folder, "--build-arg", f"BASE_SHA256={'0' * 64}")
            assert one == other


class TestWarnings:
    def test_shown_in_a_build_with_their_lines(self, hutch: Builder, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        text = (
            hutch.docker(
                *("--debug", "buildx", "build", "--progress=plain"),
                *("-f", str(folder / "bunnyfile"), str(folder)),
            )
            .ok()
            .log
        )
        assert "SecretInEnvs: 'API_TOKEN' looks like a secret" in text
        assert "(line 14)" in text
        assert "docs/rules/SecretInEnvs.md" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text


PACKED = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {ROOTFS}
cmd: [/hello]
"""


class TestFit:
    """Rules that only a built file can be judged by."""

    @staticmethod
    def project(hutch: Builder, folder: Path, rootfs: str) -> Path:
        return hutch.project(folder, PACKED.replace("ROOTFS", rootfs))

    def test_an_initrd_that_is_too_large(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(hutch, tmp_path / "p", "type: initrd, include: ['hello:/hello']")
        assert "LargeInitrd" not in hutch.buildx(folder).ok().log
        os.truncate(folder / "hello", 140 << 20)
        text = hutch.buildx(folder, *NOTHING).ok().log
        assert "LargeInitrd: this initrd of 140 MiB takes 280 MiB" in text
        assert "(line 5)" in text
        # A target that is not booted is not judged, nor what the file does not want to know.
        assert "LargeInitrd" not in hutch.buildx(folder, *NOTHING, "--target", "rootfs").ok().log
        skipped = ("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=LargeInitrd")
        assert "LargeInitrd" not in hutch.buildx(folder, *NOTHING, *skipped).ok().log
        wanted = ("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=error=true")
        failed = hutch.buildx(folder, *NOTHING, *wanted).failed()
        assert "[LargeInitrd]" in failed
        assert ">>> rootfs: {type: initrd" in failed

    def test_a_prebuilt_initrd_that_is_compressed(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(hutch, tmp_path / "p", "from: local, path: my.cpio.gz")
        with gzip.open(folder / "my.cpio.gz", "wb", 1) as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
        assert "LargeInitrd: this initrd of 1 MiB takes 301 MiB" in hutch.buildx(folder).ok().log

    def test_a_disk_image_that_is_mostly_empty(self, hutch: Builder, tmp_path: Path) -> None:
        rootfs = "type: block, include: ['hello:/hello']"
        folder = self.project(hutch, tmp_path / "p", rootfs)
        assert "OversizedImage" not in hutch.buildx(folder).ok().log
        folder = self.project(hutch, tmp_path / "q", f"{rootfs}, size: 160M")
        text = hutch.buildx(folder, *NOTHING).ok().log
        assert re.search(r"OversizedImage: 1\d\d of the 160 MiB of this disk image are free", text)
        assert "(line 5)" in text

    def test_a_prebuilt_disk_image(self, hutch: Builder, tmp_path: Path) -> None:
        folder = self.project(hutch, tmp_path / "p", "from: local, path: my.ext2")
        run("mke2fs", "-q", "-t", "ext2", str(folder / "my.ext2"), "100M")
        text = hutch.buildx(folder, *NOTHING).ok().log
        assert re.search(r"OversizedImage: \d\d of the 100 MiB of this disk image are free", text)


class TestCalls:
    def test_targets(self, hutch: Builder, project: Path) -> None:
        text = hutch.buildx(project, "--call=targets").ok().out
        assert "image (default)" in text
        assert "kernel " in text
        assert "toolchain" not in text  # nothing is built from source
        found = json.loads(hutch.buildx(project, "--call=targets,format=json").ok().out)
        assert [t["name"] for t in found["targets"]] == ["image", "kernel", "rootfs"]
        assert found["targets"][0]["default"]
        assert found["targets"][1]["location"]["ranges"][0]["start"]["line"] == 6

    def test_outline_lists_what_steps_need(self, hutch: Builder, tmp_path: Path) -> None:
        file = (
            "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
            "app: {from: 'https://git.example.com/app.git', artifacts: [a:/a]}\n"
            "rootfs: {type: initrd}\ncmd: [/a]\n"
        )
        folder = hutch.project(tmp_path / "p", file)
        found = json.loads(hutch.buildx(folder, "--call=outline,format=json").ok().out)
        assert found["name"] == "image"
        names = {"GIT_AUTH_TOKEN", "GIT_AUTH_HEADER", "ca"}
        assert {s["name"] for s in found["secrets"]} == names
        assert any("ccache" in cache["ID"] for cache in found["cache"])

    def test_describe(self, hutch: Builder, project: Path) -> None:
        done = hutch.buildx(project, "--call=subrequests.describe,format=json").ok()
        names = {each["name"] for each in json.loads(done.out)}
        assert names == {
            *("frontend.lint", "frontend.outline", "frontend.targets", "frontend.schema"),
            "frontend.subrequests.describe",
        }

    def test_schema(self, hutch: Builder, project: Path) -> None:
        assert hutch.buildx(project, "--call=schema").ok().out == editor.text()
        found = json.loads(hutch.buildx(project, "--call=schema,format=json").ok().out)
        assert found == editor.published()

    def test_unknown_ones_are_refused(self, hutch: Builder, project: Path) -> None:
        text = hutch.buildx(project, "--call=weather").failed()
        assert "unsupported request frontend.weather" in text
