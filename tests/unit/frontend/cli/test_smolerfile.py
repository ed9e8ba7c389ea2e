"""`hutch migrate` of a SMOLerfile: each instruction is in the new file, or noted at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontend.cli import main

SERVICE = """\
# a service
FROM base,etc,comp:/usr/bin/*

LABEL smolbsd.service=web
LABEL smolbsd.imgsize=512
LABEL smolbsd.minimize=y
LABEL smolbsd.publish="8881:8880"
LABEL smolbsd.use_pty=y
LABEL smolbsd.other=1 version="1.2"

ARG PORT=8880
ARG ARCH=$(uname -p)
ENV ROOT=/srv
ENV WWW="${ROOT}/www" NOTHING=${NOBODY}
RUN pkgin up && pkgin -y in nginx \\
	# a comment between
	curl
RUN <<EOF
CMD not this one
EOF
RUN echo hello

COPY --chown=1:2 --chmod=0640 site.conf $WWW/
ADD https://files.example.com/a /a
WORKDIR /srv
COPY one two to/
INCLUDE smolerfiles/user.inc
EXPOSE 8880
EXPOSE 2022:22
VOLUME data
HEALTHCHECK none
USER web
CMD web --port $PORT --root $WWW
"""

MADE = """\
# syntax=hutch:1
# What `hutch migrate` made of Dockerfile.web.
version: v1

args:
  SETS: https://cdn.netbsd.org/pub/NetBSD/NetBSD-11.0/amd64/binary/sets
  BASE_SHA256:
  ETC_SHA256:
  COMP_SHA256:
  PORT: "8880"
  ARCH:

# No released urunc starts NetBSD guests yet: `hutch run` does.
platforms:
  framework: netbsd
  monitor: qemu
  architecture: x86_64

# or netbsd-SMOL: {from: local, path: netbsd-SMOL}
kernel:
  from: source

rootfs:
  type: block
  filesystem: ext2
  size: 512M
  include:
    - from: ${SETS}/base.tar.xz
      sha256: ${BASE_SHA256}
      source: /
      destination: /
    - from: ${SETS}/etc.tar.xz
      sha256: ${ETC_SHA256}
      source: /
      destination: /
    - from: ${SETS}/comp.tar.xz
      sha256: ${COMP_SHA256}
      source: /usr/bin/*
      destination: /usr/bin/
    - source: site.conf
      destination: /srv/www/
      owner: 1:2
      mode: "0640"
    - "one:/srv/to/"
    - "two:/srv/to/"

envs:
  HOME: /
  PATH: /sbin:/bin:/usr/sbin:/usr/bin:/usr/pkg/bin:/usr/pkg/sbin
  TERM: tmux
  ROOT: /srv
  WWW: /srv/www
  NOTHING: ""

# It has to be in /etc/passwd of the files above, or write a number.
user: web

workdir: /srv

volumes: ["/data"]

ports: ["8880/tcp", "22/tcp"]

labels:
  org.opencontainers.image.title: web
  version: "1.2"

# hutch run -p 8881:8880
# hutch run -it: the service wants a terminal
# hutch run -p 2022:22
# hutch run -v NAME:PATH for each volume
cmd: ["/bin/sh", "-c", "web --port ${PORT} --root $$WWW"]

# Not carried over:
"""

NOTES = [
    "Dockerfile.web:2: FROM: name the sums",
    "Dockerfile.web:6: LABEL: the disk has the size that is named",
    "Dockerfile.web:9: LABEL: smolbsd.other: a bunnyfile has nothing of the kind",
    "Dockerfile.web:12: ARG: ARCH: its default is a command's output",
    "Dockerfile.web:14: ENV: $NOBODY is known only in the guest",
    "Dockerfile.web:15: RUN: nginx curl: a package",
    "Dockerfile.web:18: RUN: nothing of NetBSD runs in a build",
    "Dockerfile.web:21: RUN: nothing of NetBSD runs in a build",
    "Dockerfile.web:24: ADD: https://files.example.com/a: fetch it in app.fetch",
    "smolerfiles/user.inc:2: RUN: nothing of NetBSD runs in a build",
    "smolerfiles/user.inc:3: INCLUDE: 'smolerfiles/user.inc' is not there",
    "Dockerfile.web:31: HEALTHCHECK: a bunnyfile has nothing of the kind",
]

SUMS = [
    word
    for name in ("BASE", "ETC", "COMP")
    for word in ("--build-arg", f"{name}_SHA256={'0' * 64}")
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "smolerfiles"
    made.mkdir()
    for name in ("site.conf", "one", "two"):
        (made / name).write_text(name)
    (made / "user.inc").write_text("ENV TERM=tmux\nRUN useradd web\nINCLUDE smolerfiles/user.inc\n")
    return made


def test_each_instruction_is_there_or_noted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "Dockerfile.web").write_text(SERVICE)
    assert main(["migrate", str(folder / "Dockerfile.web")]) == 0
    made, said = capsys.readouterr()
    assert made[: len(MADE)] == MADE
    notes = said.splitlines()
    assert [note for note, begins in zip(notes, NOTES, strict=True) if begins not in note] == []
    assert made[len(MADE) :].splitlines() == [f"#   {note}" for note in notes]
    (folder / "made").write_text(made)
    told = ["--build-arg", "ARCH=x86_64", *SUMS]
    assert main(["check", *told, str(folder / "made")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("SMOLerfile.x", 'FROM base\nCMD ["/bin/a", "b"]\n', 'cmd: ["/bin/a", "b"]'),
        ("x.smol", "FROM base\nENV A b c\n", "A: b c"),
        ("Dockerfile", 'FROM base,etc\nUSER root\nVOLUME ["/a"]\n', 'volumes: ["/a"]'),
        ("Dockerfile", "FROM x.img\nLABEL smolbsd.service=a\n", "from: source"),
    ],
)
def test_it_is_known_for_one(
    tmp_path: Path, name: str, text: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert main(["migrate", str(tmp_path / name)]) == 0
    made = capsys.readouterr().out
    assert line in [each.strip() for each in made.splitlines()]
    assert "user:" not in made


def test_another_dockerfile_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").write_text("FROM debian\n")
    assert main(["migrate", str(tmp_path / "other")]) == 1
    assert "is a Dockerfile: `hutch init`" in capsys.readouterr().err
