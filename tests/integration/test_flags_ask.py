"""Questions and warnings: `--check`, `--call`, and lint in a build (buildkit-gateway.md 4.5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.flagtools import FILE, ROOT, Hutch, hutch, project

__all__ = ["hutch", "project"]

pytestmark = pytest.mark.integration

EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/bunnyfile"))
UNPINNED = FILE.replace("  include:", "  from: scratch\n  include:") + 'envs: {API_TOKEN: "x"}\n'


@pytest.fixture(autouse=True)
def _since(hutch: Hutch) -> None:
    if hutch.is_old:
        pytest.skip("buildx asks only daemons of BuildKit 0.11 and newer")


class TestCheck:
    @pytest.mark.parametrize("example", EXAMPLES)
    def test_examples_are_clean(self, hutch: Hutch, tmp_path: Path, example: str) -> None:
        text = (ROOT / "examples" / example / "bunnyfile").read_text()
        lines = [line for line in text.splitlines(keepends=True) if "syntax=" not in line]
        (tmp_path / "bunnyfile").write_text(hutch.bunnyfile("".join(lines)))
        flags = ["--check"]
        if "BASE_SHA256" in text:
            flags += ["--build-arg", f"BASE_SHA256={'0' * 64}"]
        done = hutch.build(tmp_path, *flags).ok()
        assert "Check complete, no warnings found." in done.text

    def test_a_finding_has_rule_page_and_line(self, hutch: Hutch, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        done = hutch.build(folder, "--check")
        text = done.failed()
        assert "WARNING: SecretInEnvs - docs/rules/SecretInEnvs.md" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text
        assert "Check complete, 1 warning has been found!" in text

    def test_json(self, hutch: Hutch, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        found = json.loads(hutch.build(folder, "--call=check,format=json").out)
        (warning,) = found["warnings"]
        assert warning["ruleName"] == "SecretInEnvs"
        assert warning["location"]["ranges"][0]["start"]["line"] == 14
        assert found["sources"][0]["filename"] == "bunnyfile"

    def test_an_error_is_a_finding_too(self, hutch: Hutch, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", FILE.replace("monitor: qemu", "monitor: qemo"))
        text = hutch.build(folder, "--check").failed()
        assert "did you mean 'qemu'?" in text
        assert ">>>   monitor: qemo" in text

    def test_directive_in_the_file(self, hutch: Hutch, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        head, _, rest = (folder / "bunnyfile").read_text().partition("\n")
        (folder / "bunnyfile").write_text(f"{head}\n# check=skip=SecretInEnvs\n{rest}")
        hutch.build(folder, "--check").ok()
        (folder / "bunnyfile").write_text(f"{head}\n# check=error=true\n{rest}")
        text = hutch.build(folder).failed()
        assert "looks like a secret" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text

    def test_directive_of_the_build(self, hutch: Hutch, tmp_path: Path) -> None:
        """It is read in the place of the file's, and can undo it."""
        folder = hutch.project(tmp_path / "p", "# check=error=true\n" + UNPINNED)

        def said(text: str) -> tuple[str, str]:
            return "--build-arg", f"BUILDKIT_DOCKERFILE_CHECK={text}"

        hutch.build(folder, "--check", *said("skip=all")).ok()
        hutch.build(folder).failed()
        hutch.build(folder, *said("error=false")).ok()
        text = hutch.build(folder, "--check", *said("skip=Secrets")).failed()
        assert "BUILDKIT_DOCKERFILE_CHECK: there is no rule 'Secrets'" in text

    def test_a_build_context_is_no_unpinned_image(self, hutch: Hutch, tmp_path: Path) -> None:
        file = FILE.replace("  include:", "  from: nginx:latest\n  type: raw\n  include:")
        folder = hutch.project(tmp_path / "p", file)
        assert "UnpinnedImage" in hutch.build(folder, "--check").failed()
        for name in ("nginx", "nginx:latest", "docker.io/library/nginx"):
            hutch.build(folder, "--check", "--build-context", f"{name}={tmp_path}").ok()


class TestWarnings:
    def test_shown_in_a_build_with_their_lines(self, hutch: Hutch, tmp_path: Path) -> None:
        folder = hutch.project(tmp_path / "p", UNPINNED)
        text = (
            hutch.docker(
                *("--debug", "buildx", "build", "--progress=plain"),
                *("-f", str(folder / "bunnyfile"), str(folder)),
            )
            .ok()
            .text
        )
        assert "SecretInEnvs: 'API_TOKEN' looks like a secret" in text
        assert "(line 14)" in text
        assert "docs/rules/SecretInEnvs.md" in text
        assert '>>> envs: {API_TOKEN: "x"}' in text


class TestCalls:
    def test_targets(self, hutch: Hutch, project: Path) -> None:
        text = hutch.build(project, "--call=targets").ok().out
        assert "image (default)" in text
        assert "kernel " in text
        assert "toolchain" not in text  # nothing is built from source
        found = json.loads(hutch.build(project, "--call=targets,format=json").ok().out)
        assert [t["name"] for t in found["targets"]] == ["image", "kernel", "rootfs"]
        assert found["targets"][0]["default"]
        assert found["targets"][1]["location"]["ranges"][0]["start"]["line"] == 6

    def test_outline_lists_what_steps_need(self, hutch: Hutch, tmp_path: Path) -> None:
        file = (
            "version: v1\nplatforms: {framework: linux, monitor: qemu}\nkernel: {from: source}\n"
            "app: {from: 'https://git.example.com/app.git', artifacts: [a:/a]}\n"
            "rootfs: {type: initrd}\ncmd: [/a]\n"
        )
        folder = hutch.project(tmp_path / "p", file)
        found = json.loads(hutch.build(folder, "--call=outline,format=json").ok().out)
        assert found["name"] == "image"
        assert {s["name"] for s in found["secrets"]} == {"GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"}
        assert any("ccache" in cache["ID"] for cache in found["cache"])

    def test_describe(self, hutch: Hutch, project: Path) -> None:
        done = hutch.build(project, "--call=subrequests.describe,format=json").ok()
        names = {each["name"] for each in json.loads(done.out)}
        assert names == {
            *("frontend.lint", "frontend.outline", "frontend.targets"),
            "frontend.subrequests.describe",
        }

    def test_unknown_ones_are_refused(self, hutch: Hutch, project: Path) -> None:
        text = hutch.build(project, "--call=weather").failed()
        assert "unsupported request frontend.weather" in text
