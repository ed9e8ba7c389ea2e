"""Every shape of image by every kind of user, started as the model of urunc says.

QEMU runs as that user on the image's own files: what they refuse it is refused here, too. The same
list runs under the real urunc in `test_urunc`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frameworks.runtime.machine import Machine
from frameworks.runtime.urunc.versions import NEWEST, VERSIONS
from frontend.cli import main
from frontend.images import boot
from tests.integration.harness.matrix import SHAPES, USERS, WORDS, Images, guest_user, printed

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_whoever_runs_it(images: Images, booted: Callable[..., str], shape: str, user: str) -> None:
    who = USERS[user]
    lines = printed(booted(images.of(shape, who.user), user=who.asked))
    assert "argument 1: [one]" in lines
    assert f"user: {guest_user(shape, who, NEWEST)}" in lines
    assert ("group: 44" in lines) == (user == "name" and shape != "no init")


@pytest.mark.parametrize("urunc", ["0.6.0", "0.7.0", "next"])
@pytest.mark.parametrize("shape", ["raw", "ext4", "initrd"])
def test_as_each_urunc_does(
    images: Images, booted: Callable[..., str], shape: str, urunc: str
) -> None:
    """Of an image of a user without a name, odd words, a directory, a value with blanks."""
    more = "workdir: /srv/made here\nenvs: {GREETING: 'a b'}\n"
    ref = images.of(shape, "4321", more=more, cmd=WORDS)
    lines = printed(booted(ref, machine=Machine(version=urunc)))
    assert lines[1 : 1 + len(WORDS)] == [
        f"argument {number}: [{word}]" for number, word in enumerate(WORDS, 1)
    ]
    assert "user: 4321:0" in lines
    assert "directory: /srv/made here" in lines
    if VERSIONS[urunc].configuration:
        assert "environment: [GREETING=a b]" in lines


def test_the_command_lines_status(images: Images, capsys: pytest.CaptureFixture[str]) -> None:
    """A script can ask whether an image works: QEMU itself ends with 0 each time."""
    ref = images.of("ext4", "4321")
    assert main(["run", ref]) == 0
    assert main(["run", ref, "/bin/nothing"]) == 127
    lost = images.of("no init", None, cmd=())
    assert main(["run", lost, "/bin/nothing"]) == boot.FAILED
    said = capsys.readouterr().out
    assert "hutch-init: exit status 127" in said
    assert "Kernel panic - not syncing: " in said


def test_a_user_that_the_image_does_not_know(
    images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "-u", "nobody", images.of("initrd", None)]) == boot.FAILED
    assert capsys.readouterr().err == "hutch: the image's /etc/passwd does not know 'nobody'\n"
