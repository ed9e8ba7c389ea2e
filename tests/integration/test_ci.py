"""What users' CI runs, run here: the bake file, GitHub's action and GitLab's recipe.

Their hosts' own programs are stood in for: `harness.composite` runs the action's steps, and
gitlab-ci-local (of npm) the recipe's, which it holds to GitLab's schema first.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import FILE, ROOT, Builder, Guests
from tests.integration.harness.composite import Runner
from tests.integration.harness.lsp import install
from tests.integration.harness.remote import Remotes, address

pytestmark = pytest.mark.integration

BAKE = ROOT / "examples/docker-bake.hcl"


def test_buildx_understands_the_bake_file(builder: Builder) -> None:
    words = ("buildx", "bake", "-f", str(BAKE), "--print")
    env = {
        "FRONTEND": "registry.example.com/hutch:1",
        "REGISTRY": "registry.example.com",
        "TAG": "2",
    }
    done = builder.docker(*words, "linux", "others", cwd=ROOT, env=env).ok()
    targets = json.loads(done.out)["target"]
    examples = {file.parent.name for file in ROOT.glob("examples/*/bunnyfile")}
    assert examples - set(targets) == {"linux-hello", "netbsd-bozohttpd"}  # as its head says
    for name, target in targets.items():
        assert (ROOT / target["context"] / target["dockerfile"]).is_file()
        assert target["args"] == {"BUILDKIT_SYNTAX": env["FRONTEND"]}
        assert target["tags"] == [f"registry.example.com/{name}:2"]
    plain = json.loads(builder.docker(*words, cwd=ROOT).ok().out)["target"]["linux-redis"]
    assert plain["tags"] == ["linux-redis:1"]
    assert "args" not in plain
    assert "cache-to" not in plain
    # A cache is written whole: what two targets write to one name, the last one has written.
    caches = [each["ref"] for target in targets.values() for each in target["cache-to"]]
    assert len(set(caches)) == len(targets)


@pytest.mark.parametrize(
    ("text", "status", "expected"),
    [
        (FILE, 0, ""),
        (FILE + "ports: [80]\nenvs: [A_PASSWORD=x]\n", 0, "::warning file="),
        (FILE.replace("kernel:", "kernle:"), 1, "::error file="),
    ],
)
def test_the_action_annotates_what_is_found(
    builder: Builder, tmp_path: Path, text: str, status: int, expected: str
) -> None:
    project = builder.project(tmp_path / "p", text)
    env = {
        **os.environ,
        **builder.environ,
        "HUTCH_FRONTEND": builder.frontend,
        "HUTCH_CONTEXT": str(project),
        "HUTCH_FILE": str(project / "bunnyfile"),
    }
    command = [sys.executable, str(ROOT / ".ci/action.py"), "check"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    shown = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert bool(shown) == bool(expected), done.stdout
    for line in shown:
        assert line.startswith(expected)
        assert ",line=" in line


HELLO = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs: {from: scratch, type: initrd, include: ["hello:/hello"]}
cmd: [/hello, one]
"""
FINDING = "envs: [A_PASSWORD=x]\n"


@pytest.fixture
def remote(builder: Builder, tmp_path: Path) -> Iterator[Remotes]:
    """A builder apart from Docker, as setup-buildx-action makes one, in a list of their own."""
    with address(builder.environ) as where:
        made = Remotes(builder, tmp_path / "buildx")
        made.create("remote", (where, "linux/amd64"))
        yield made


@pytest.fixture
def checkout(builder: Builder, linux: Guests, tmp_path: Path) -> Path:
    """A user's repository: a bunnyfile for a guest that boots."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "bunnyfile").write_text(HELLO)
    shutil.copy(linux.debian, folder / "kernel")
    shutil.copy(linux.hello, folder / "hello")
    return folder


def test_the_action_checks_builds_boots_and_pushes(
    builder: Builder, remote: Remotes, checkout: Path, tmp_path: Path
) -> None:
    environ = {**os.environ, **builder.environ, "BUILDX_CONFIG": str(remote.config)}
    del environ["BUILDX_BUILDER"]
    runner = Runner(
        environ,
        checkout,
        tmp_path,
        {"docker/setup-buildx-action": lambda: remote.run("use", "remote").ok()},
    )
    (checkout / "bunnyfile").write_text(HELLO + FINDING)
    image, cache = builder.name_of("action"), builder.name_of("cache")
    more = {"frontend": builder.frontend, "image": image, "cache": cache}
    ran = runner.run(ROOT, boot="argument 1: one", push="true", **more)
    assert ran.status == 0, ran.log
    assert ran.steps == ("Check", "Boot", "Build")
    (found,) = ran.commands
    assert found.startswith("::warning file=bunnyfile,line=6,title=SecretInEnvs::")
    assert "argument 1: one" in ran.log
    assert builder.read(image).args[-2:] == ["/hello", "one"]
    # What another runner finds in the cache, which a build that is not pushed leaves alone.
    assert builder.docker("buildx", "imagetools", "inspect", "--raw", cache).ok().out

    missing = runner.run(ROOT, boot="argument 1: two", **more)
    assert (missing.status, missing.steps) == (1, ("Check", "Boot"))
    assert missing.commands[-1].endswith("::the guest did not print 'argument 1: two'")
    (checkout / "bunnyfile").write_text(HELLO.replace("cmd:", "cmnd:"))
    wrong = runner.run(ROOT, **more)
    assert (wrong.status, wrong.steps) == (1, ("Check",))
    assert wrong.commands[0].startswith("::error file=bunnyfile,line=5,title=hutch::")


def test_gitlab_runs_its_recipe(
    builder: Builder, remote: Remotes, checkout: Path, tmp_path: Path
) -> None:
    """The jobs' own lines; the builder that they make needs the Hub, and another is taken."""
    modules = install(Path(__file__).parent / "ci", ROOT / "build/ci")
    if modules is None:
        pytest.skip("npm, or the packages that it installs, cannot be had here")
    recipe = (ROOT / "examples/ci/gitlab-ci.yml").read_text()
    service = "  services:\n    - docker:28-dind\n"
    assert service in recipe  # an image of the Hub's, too: the engine is in its place
    (checkout / ".gitlab-ci.yml").write_text(recipe.replace(service, ""))
    environ = {
        **os.environ,
        **builder.environ,
        "BUILDX_CONFIG": str(remote.config),
        "BUILDX_BUILDER": "remote",
        "HOME": str(tmp_path),
    }
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "One")):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *identity, *words], cwd=checkout, env=environ, check=True)
    image = builder.name_of("gitlab").rpartition(":")[0] + "-" + checkout.parent.name.lower()
    variables = {
        "HUTCH": builder.frontend,
        "CI_REGISTRY": builder.registry,
        "CI_REGISTRY_IMAGE": image,
        "CI_REGISTRY_USER": "somebody",
        "CI_REGISTRY_PASSWORD": "secret",
    }
    given = [f"--variable={name}={text}" for name, text in variables.items()]
    command = [str(modules / ".bin/gitlab-ci-local"), "--force-shell-executor", *given]
    command.append("--ignore-predefined-vars=CI_REGISTRY,CI_REGISTRY_IMAGE")
    for job in ("check", "build"):  # each has a container of its own, and so a configuration
        config = tmp_path / job
        shutil.copytree(builder.environ["DOCKER_CONFIG"], config)
        done = subprocess.run(
            [*command, job],
            cwd=checkout,
            env={**environ, "DOCKER_CONFIG": str(config)},
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    revision = subprocess.check_output(
        ["git", "rev-parse", "--short=8", "HEAD"], cwd=checkout, text=True
    )
    assert builder.read(f"{image}:{revision.strip()}").args[-2:] == ["/hello", "one"]
    assert builder.docker("buildx", "imagetools", "inspect", "--raw", f"{image}/cache").ok().out
