"""Images whose monitor must start whoever runs them: every shape of root by every kind of user.

`test_matrix` boots them as `images.boot` says that urunc would, `test_urunc` with the real one.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from frameworks.runtime.urunc.versions import Version
from tests.integration.harness import Builder, programs

SHAPES = {
    "raw": "rootfs: {type: raw, INCLUDE}",
    "ext4": "rootfs: {type: block, filesystem: ext4, INCLUDE}",
    "squashfs": "rootfs: {type: block, filesystem: squashfs, INCLUDE}",
    "erofs": "rootfs: {type: block, filesystem: erofs, INCLUDE}",
    "initrd": "rootfs: {type: initrd, INCLUDE}",
    "no init": "rootfs: {type: initrd, INCLUDE}\ninit: none",
}
"""What the root is -> its lines of a bunnyfile."""


@dataclass(frozen=True, slots=True)
class Who:
    """A kind of user: what the file says, what `docker run -u` says, and who the guest's is."""

    user: str | None
    asked: str | None
    guest: str


USERS = {
    "root": Who(None, None, "0:0"),
    "name": Who("www", None, "33:33"),
    "number": Who("4321", None, "4321:0"),
    "-u": Who(None, "1000:1000", "1000:1000"),
}

INCLUDE = 'include: ["probe:/bin/probe", "etc:/etc"]'
FILE = """\
version: v1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: vmlinuz}
"""

# Quotes, blanks at every place, an empty one, a tab, a dollar sign, a backslash.
WORDS = (
    *("plain", "a  b", "it's", '"x y"', "", "--last=$1", "'quoted'", "b\\n\\\\s", "x=y z"),
    *("$(echo no)", "-", "ünï", "two words", "*", "end"),
)


class Images:
    """The images, each built once, when it is first asked for."""

    def __init__(self, builder: Builder, kernel: Path, folder: Path) -> None:
        self._builder, self._folder = builder, folder
        self._built: dict[str, str] = {}
        shutil.copy(kernel, folder / "vmlinuz")
        programs.put("probe", folder)
        (folder / "etc").mkdir()
        (folder / "etc/passwd").write_text("root:x:0:0::/root:\nwww:x:33:33::/var/www:\n")
        (folder / "etc/group").write_text("root:x:0:\nwww:x:33:\nvideo:x:44:www\n")
        made = self.build(FILE + programs.app("probe") + "rootfs: {type: raw}\n")
        (folder / "probe").write_bytes(builder.read(made).read("/bin/probe"))
        (folder / "probe").chmod(0o755)

    def build(self, text: str, *options: str, provenance: bool = False) -> str:
        """The image of a bunnyfile, or of a Dockerfile, in this context."""
        key = repr((text, options, provenance))
        if key not in self._built:
            done = self._builder.build(self._folder, text, *options, provenance=provenance)
            self._built[key] = done.ref
        return self._built[key]

    def of(
        self, shape: str, user: str | None, *, more: str = "", cmd: Sequence[str] = ("one",)
    ) -> str:
        """The image of a shape, with a user, that runs the probe with `cmd`."""
        words = ", ".join(f'"{_escaped(word)}"' for word in ("/bin/probe", *cmd))
        text = FILE + SHAPES[shape].replace("INCLUDE", INCLUDE) + f"\ncmd: [{words}]\n" + more
        if user is not None:
            text += f'user: "{user}"\n'
        return self.build(text)


def guest_user(shape: str, who: Who, urunc: Version) -> str:
    """Whom the command runs as in the guest.

    Without an init it is the first process, which is root. A urunc that tells init nothing cannot
    tell it of `-u`.
    """
    if shape == "no init":
        return "0:0"
    return "0:0" if who.asked and not urunc.configuration else who.guest


def printed(output: str) -> list[str]:
    """The lines that the probe printed."""
    return re.findall(
        r"^(?:argument \d+|environment|user|group|directory): .*$", output, re.MULTILINE
    )


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"')
