"""The scripts of `app`: what they see, what they may use, and where sources come from over SSH."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.harness import Builder
from tests.integration.harness.serving import git
from tests.integration.harness.tools import run

pytestmark = pytest.mark.integration

FILE = """\
version: v1
args: {WHO: world, NONE: }
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
app:
  from: FROM
  secrets: [token, {id: key, env: KEY}, {id: none, required: false}]
  ssh: [default]
  fetch: |
    ls /sys/class/net > fetched
    test -S "$SSH_AUTH_SOCK"
    cat /run/secrets/token >> fetched
  build: |
    ls /sys/class/net > built
    cat /run/secrets/token >> built
    test ! -e /run/secrets/none
    echo "$KEY" >> built
    env | sort > environment
    cat main.c > program
  artifacts: [fetched:/fetched, built:/built, environment:/environment, program:/program]
rootfs: {type: raw}
cmd: [/program]
"""


@pytest.fixture
def project(project: Path) -> Path:
    (project / "kernel").write_text("kernel")
    (project / "main.c").write_text("int main;")
    (project / "token").write_text("s3cret\n")
    return project


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A new SSH key."""
    path = tmp_path / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
    return path


def flags(project: Path, key: Path) -> tuple[str, ...]:
    secrets = ("token", "key")
    given = [word for name in secrets for word in ("--secret", f"id={name},src={project}/token")]
    return (*given, "--ssh", f"default={key}")


def files(builder: Builder, project: Path, text: str, *more: str) -> dict[str, str]:
    packed = builder.read(builder.build(project, text, *more).ref)
    return {
        name: packed.read(f"/{name}").decode()
        for name in ("fetched", "built", "environment", "program")
    }


def test_what_scripts_see_and_may_use(builder: Builder, project: Path, key: Path) -> None:
    text = FILE.replace("FROM", "local")
    found = files(
        builder, project, text, *flags(project, key), "--build-arg", "WHO=moon", "--build-arg=X=y"
    )
    assert "eth0" in found["fetched"].split()
    assert found["fetched"].endswith("s3cret\n")
    # Nothing but the loopback interface, the secret's file, and the secret in the variable.
    assert found["built"].split() == ["lo", "s3cret", "s3cret"]
    env = dict(line.partition("=")[::2] for line in found["environment"].splitlines())
    assert env["WHO"] == "moon"
    assert not {"NONE", "X", "SSH_AUTH_SOCK"} & env.keys()
    assert env["TARGETPLATFORM"] == env["BUILDPLATFORM"] == "linux/amd64"
    assert env["CC"].endswith("-gcc")


def test_secrets_are_in_no_image(builder: Builder, project: Path, key: Path) -> None:
    text = (
        FILE.replace("FROM", "local")
        .replace("built:/built, ", "")
        .replace("fetched:/fetched, ", "")
        .replace("environment:/environment, ", "")
    )
    packed = builder.read(builder.build(project, text, *flags(project, key)).ref)
    assert not [path for path in packed.files if b"s3cret" in packed.read(path)]
    assert b"s3cret" not in packed.image.config


def test_a_context_in_the_place_of_the_source(
    builder: Builder, project: Path, tmp_path: Path, key: Path
) -> None:
    """`--build-context app-source=...`, wherever the file has the source from."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/main.c").write_text("int mine;")
    text = FILE.replace("FROM", "https://example.com/no-such-app.git")
    given = ("--build-context", f"app-source={tmp_path / 'mine'}")
    found = files(builder, project, text, *flags(project, key), *given)
    assert found["program"] == "int mine;"


@pytest.fixture
def server(tmp_path: Path, key: Path) -> Iterator[str]:
    """A git repository behind an SSH server that lets in whoever has `key`; its URL."""
    if os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists():
        pytest.fail("needs root and Debian's openssh-server (`make setup` installs it)")
    home = tmp_path / "sshd"
    home.mkdir(mode=0o700)
    host = home / "host"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(host))
    (home / "allowed").write_bytes(key.with_suffix(".pub").read_bytes())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {host}\nPidFile none\nStrictModes no\n"
        f"AuthorizedKeysFile {home}/allowed\nPermitRootLogin prohibit-password\nUsePAM no\n"
    )
    os.makedirs("/run/sshd", exist_ok=True)
    work = tmp_path / "work"
    work.mkdir()
    (work / "main.c").write_text("int over_ssh;")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        git(work, *words)
    daemon = subprocess.Popen(
        ("/usr/sbin/sshd", "-D", "-e", "-f", str(home / "config")), stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"ssh://root@127.0.0.1:{port}{work}"
    finally:
        daemon.terminate()
        daemon.wait()


def test_a_source_over_ssh(builder: Builder, project: Path, key: Path, server: str) -> None:
    text = FILE.replace("FROM", f"{server}#main")
    assert files(builder, project, text, *flags(project, key))["program"] == "int over_ssh;"
