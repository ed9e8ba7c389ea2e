"""Root filesystems, each checked by a tool that hutch did not write: GNU cpio, e2fsprogs,
squashfs-tools, erofs-utils. All are made of one tree with everything a tree can have in it."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.integration.harness import EPOCH, Builder, Packed
from tests.integration.harness.tools import need, run

pytestmark = pytest.mark.integration

WHEN = 1600000000
"""The time of everything in the tree, in seconds."""

# Every kind of file, and names, modes and owners that are easily lost: name, type, mode, owner,
# and content, target or device.
_D, _F, _S, _L = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
TREE: tuple[tuple[str, bytes, int, tuple[int, int], object], ...] = (
    ("empty", _D, 0o755, (0, 0), None),
    ("etc", _D, 0o755, (0, 0), None),
    ("etc/motd", _F, 0o640, (1000, 100), b"hello\n"),
    ("run", _F, 0o4755, (0, 0), b"#!/bin/sh\n"),
    ("link", _S, 0o777, (0, 0), "etc/motd"),
    ("dangling", _S, 0o777, (0, 0), "/nowhere"),
    ("var", _D, 0o755, (0, 0), None),
    ("var/spool", _D, 0o1777, (0, 0), None),
    ("var/spool/deep", _D, 0o700, (65534, 65534), None),
    ("var/first", _F, 0o644, (0, 0), b"linked\n"),
    ("var/second", _L, 0o644, (0, 0), "var/first"),
    ("with space", _D, 0o755, (0, 0), None),
    ("with space/third", _L, 0o644, (0, 0), "var/first"),
    ("with space/\u00fc-tab\there", _F, 0o644, (0, 0), b"u\n"),
    ("var/nothing", _F, 0o600, (0, 0), b""),
    ("var/large", _F, 0o644, (0, 0), b"x" * 3_000_000),
    ("var/pipe", tarfile.FIFOTYPE, 0o644, (0, 0), None),
    ("var/null", tarfile.CHRTYPE, 0o666, (0, 0), (1, 3)),
    ("var/disk", tarfile.BLKTYPE, 0o660, (0, 6), (254, 17)),
)

CAPABLE = "var/nothing"
CAPABILITY = b"\1\0\0\2\0\4\0\0" + bytes(12)
"""What `setcap cap_net_bind_service+ep` leaves (linux/capability.h: struct vfs_cap_data)."""

FILE = """
version: v1
platforms: {{framework: {framework}, monitor: qemu}}
kernel: {{from: local, path: kernel}}
init: none
rootfs:
  from: {image}
  type: {type}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rootfs")
    (folder / "kernel").write_bytes(b"not looked into")
    with tarfile.open(folder / "tree.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, mode, owner, what in TREE:
            info = tarfile.TarInfo(name)
            info.type, info.mode, info.mtime, (info.uid, info.gid) = kind, mode, WHEN, owner
            if isinstance(what, str):
                info.linkname = what
            elif isinstance(what, tuple):
                info.devmajor, info.devminor = what
            data = what if isinstance(what, bytes) else b""
            if name == CAPABLE:
                value = CAPABILITY.decode("utf-8", "surrogateescape")
                info.pax_headers = {"SCHILY.xattr.security.capability": value}
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    (folder / "small").write_text("small\n")
    return folder


@pytest.fixture(scope="module")
def tree(builder: Builder, project: Path) -> str:
    """An image whose files are the tree. `COPY` would make a character device of the disk."""
    return builder.push(project, "FROM scratch\nADD tree.tar /\n")


@pytest.fixture(scope="module")
def original(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree on this machine, made by GNU tar."""
    to = tmp_path_factory.mktemp("original")
    run(
        "tar",
        "-xpf",
        str(project / "tree.tar"),
        "--numeric-owner",
        "--delay-directory-restore",
        "-C",
        str(to),
    )
    return to


def listing(root: Path, *, links: bool = True, times: bool = True) -> dict[str, tuple[object, ...]]:
    """What is in a directory: kind, mode, owner, content or target, time, links, device."""
    found: dict[str, tuple[object, ...]] = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(directory) / name
            info = path.lstat()
            content: object = None
            if stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            elif stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            elif stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
                content = (os.major(info.st_rdev), os.minor(info.st_rdev))
            relative = path.relative_to(root).as_posix()
            if relative == "lost+found":
                continue
            mode = oct(info.st_mode) if not stat.S_ISLNK(info.st_mode) else "link"
            counted = info.st_nlink if links and not stat.S_ISDIR(info.st_mode) else None
            timed = int(info.st_mtime) if times else None
            found[relative] = (mode, info.st_uid, info.st_gid, content, timed, counted)
    return found


@pytest.fixture(scope="module")
def archive(builder: Builder, project: Path, tree: str) -> bytes:
    text = FILE.format(framework="linux", image=tree, type="initrd")
    packed = builder.pack(project, text)
    assert packed.keys["initrd"] == "/.boot/rootfs"
    assert packed.files == ["/.boot/kernel", "/.boot/rootfs", "/urunc.json"]
    return packed.read("/.boot/rootfs")


class TestInitrd:
    def test_gnu_cpio_unpacks_it(self, archive: bytes, original: Path, tmp_path: Path) -> None:
        need("cpio")
        run("cpio", "-idm", "--quiet", cwd=tmp_path, data=archive)
        # GNU cpio sets no time on a directory that it fills afterwards.
        assert listing(tmp_path, times=False) == listing(original, times=False)
        assert (tmp_path / "var/large").stat().st_mtime == WHEN

    def test_gnu_cpio_writes_the_same_names(self, archive: bytes, original: Path) -> None:
        """The same entries, in an order where each directory comes before what is in it."""
        root, *names = run("cpio", "-it", "--quiet", data=archive).splitlines()
        assert root == "."
        expected = run("find", ".", "-mindepth", "1", "-printf", "%P\\n", cwd=original)
        assert sorted(names) == sorted(
            run("cpio", "-it", "--quiet", data=gnu_cpio(original)).splitlines()
        )
        assert len(names) == len(expected.splitlines())
        seen: set[str] = set()
        for name in names:
            parent = name.rpartition("/")[0]
            assert not parent or parent in seen
            seen.add(name)


def gnu_cpio(root: Path) -> bytes:
    """The archive that GNU cpio makes of a directory."""
    names = subprocess.run(
        ["find", ".", "-mindepth", "1", "-printf", "%P\\0"],
        cwd=root,
        check=True,
        capture_output=True,
    ).stdout
    ordered = b"".join(name + b"\0" for name in sorted(names.split(b"\0")) if name)
    done = subprocess.run(
        ["cpio", "-0", "-o", "-H", "newc", "--quiet"],
        cwd=root, input=ordered, check=True, capture_output=True,
    )  # fmt: skip
    return done.stdout


@pytest.fixture(scope="module", params=["ext4", "ext2"])
def image(
    request: pytest.FixtureRequest,
    builder: Builder,
    project: Path,
    tree: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    """The name of a file system, and an image of it that holds the tree."""
    text = FILE.format(framework="linux", image=tree, type="block")
    packed = builder.pack(project, text + f"  filesystem: {request.param}\n")
    assert packed.keys["block"] == "/.boot/rootfs"
    assert packed.keys["blkMntPoint"] == "/"
    assert packed.keys["mountRootfs"] == "false"
    file = tmp_path_factory.mktemp("ext") / "image"
    file.write_bytes(packed.read("/.boot/rootfs"))
    return request.param, file


class TestExt:
    def test_e2fsck_finds_nothing(self, image: tuple[str, Path]) -> None:
        run("/sbin/e2fsck", "-fn", str(image[1]))

    def test_debugfs_reads_the_tree(
        self, image: tuple[str, Path], original: Path, tmp_path: Path
    ) -> None:
        run("/sbin/debugfs", "-R", f"rdump / {tmp_path}", str(image[1]))
        # debugfs copies neither hard links nor special files, and the permission bits alone.
        special = {"var/pipe", "var/null", "var/disk"}
        for path, mode in (("run", 0o4755), ("var/spool", 0o1777)):
            assert f"Mode:  {mode:05o}" in run(
                "/sbin/debugfs", "-R", f"stat /{path}", str(image[1])
            )
            (tmp_path / path).chmod(mode)
        expected = {
            name: facts
            for name, facts in listing(original, links=False, times=False).items()
            if name not in special
        }
        assert listing(tmp_path, links=False, times=False) == expected

    def test_special_files_and_links(self, image: tuple[str, Path]) -> None:
        _, file = image
        stated = {
            path: run("/sbin/debugfs", "-R", f"stat {path}", str(file))
            for path in ("/var/pipe", "/var/null", "/var/disk", "/var/first", "/var/second")
        }
        assert "Type: FIFO" in stated["/var/pipe"]
        assert "Device major/minor number: 01:03" in stated["/var/null"]
        assert "Device major/minor number: 254:17" in stated["/var/disk"]
        assert "Links: 3" in stated["/var/first"]
        inode = stated["/var/first"].split()[1]
        assert stated["/var/second"].split()[1] == inode

    def test_capabilities(self, image: tuple[str, Path]) -> None:
        _, file = image
        text = run("/sbin/debugfs", "-R", f"ea_list /{CAPABLE}", str(file))
        bytes_of = " ".join(f"{byte:02x}" for byte in CAPABILITY)
        assert f"security.capability (20) = {bytes_of}" in text

    def test_times_are_those_of_the_tree(self, image: tuple[str, Path]) -> None:
        for path in ("/etc/motd", "/var", "/link"):
            text = run("/sbin/debugfs", "-R", f"stat {path}", str(image[1]))
            assert f"mtime: 0x{WHEN:08x}" in text
            assert f"atime: 0x{WHEN:08x}" in text

    def test_what_kind_it_is(self, image: tuple[str, Path]) -> None:
        name, file = image
        text = run("/sbin/dumpe2fs", "-h", str(file))
        assert ("has_journal" in text) == (name == "ext4")
        assert ("extent" in text) == (name == "ext4")
        assert "metadata_csum_seed" not in text
        assert "orphan_file" not in text
        assert "Reserved block count:     0" in text

    def test_a_size(self, any_builder: Builder, project: Path) -> None:
        text = FILE.format(framework="linux", image="scratch", type="block")
        packed = any_builder.pack(
            project, text + "  size: 24M\n  mount: /data\n  include: ['small:/a/b']\n"
        )
        assert packed.tree.stat("/.boot/rootfs").size == 24 << 20
        assert packed.keys["blkMntPoint"] == "/data"

    def test_too_small_a_size(self, builder: Builder, project: Path, tree: str) -> None:
        text = FILE.format(framework="linux", image=tree, type="block") + "  size: 2M\n"
        done = builder.fail(project, text)
        assert "rootfs.size of 2 MiB is too small: the tree needs about" in done.log
        assert done.marked == ["size: 2M"]


def test_what_a_root_does_not_keep_or_give(builder: Builder, project: Path, tree: str) -> None:
    text = FILE.format(framework="linux", image=tree, type="initrd")
    done = builder.build(project, text)
    lost = f"LostCapabilities: an initrd does not hold capabilities .* had: /{CAPABLE} "
    assert re.search(lost, done.log), done.log
    assert "ClosedFile" not in done.log
    text = FILE.format(framework="linux", image="scratch", type="raw")
    text += """  include:
    - {from: local, source: small, destination: /a/b, mode: "0600", owner: "0:0"}
user: "1000"
"""
    log = builder.build(project, text.replace("init: none\n", "") + "cmd: [/a/b]\n").log
    assert "ClosedFile: user '1000' may not read /a/b (0600, of 0:0)" in log
    assert "LostCapabilities" not in log
    (project / "link").unlink(missing_ok=True)
    (project / "link").symlink_to("small")
    text = """
version: v0.1
platforms: {framework: linux, monitor: qemu}
kernel: {from: local, path: kernel}
rootfs:
  from: scratch
  type: initrd
  include: ["link:/etc/small", "link:/a", "small:/small"]
cmdline: /a
"""
    log = builder.build(project, text).log
    assert "DanglingLink: /etc/small is a symbolic link to 'small', which is not in the" in log
    assert log.count("DanglingLink: ") == 1


class TestOthers:
    def image(self, builder: Builder, project: Path, tree: str, kind: str) -> Packed:
        text = FILE.format(framework="linux", image=tree, type="block") + f"  filesystem: {kind}\n"
        packed = builder.pack(project, text)
        assert packed.keys["block"] == "/.boot/rootfs"
        return packed

    def test_squashfs(
        self, builder: Builder, project: Path, tree: str, original: Path, tmp_path: Path
    ) -> None:
        need("unsquashfs")
        file = tmp_path / "image"
        file.write_bytes(self.image(builder, project, tree, "squashfs").read("/.boot/rootfs"))
        run("unsquashfs", "-q", "-n", "-d", str(tmp_path / "out"), str(file))
        assert listing(tmp_path / "out") == listing(original)
        capable = tmp_path / "out" / CAPABLE
        assert os.getxattr(capable, "security.capability") == CAPABILITY

    def test_erofs(
        self, builder: Builder, project: Path, tree: str, original: Path, tmp_path: Path
    ) -> None:
        need("fsck.erofs")
        file = tmp_path / "image"
        file.write_bytes(self.image(builder, project, tree, "erofs").read("/.boot/rootfs"))
        run("fsck.erofs", f"--extract={tmp_path / 'out'}", str(file))
        # Its extraction makes no hard links, no times on directories, and loses set-user-ID bits.
        (tmp_path / "out/run").chmod(0o4755)
        got = listing(tmp_path / "out", links=False, times=False)
        assert got == listing(original, links=False, times=False)
        # A header, the kind and the lengths, "capability", and the value (fs/erofs/erofs_fs.h).
        assert b"\x0a\6\x14\0capability" + CAPABILITY in file.read_bytes()
        data = file.read_bytes()
        assert "Access: 0755" in run("dump.erofs", "--path=/", str(file))
        number = int(run("dump.erofs", "--path=/run", str(file)).partition("NID: ")[2].split()[0])
        # The superblock at 1024 says where inodes of 32 bytes begin (fs/erofs/erofs_fs.h).
        inodes = int.from_bytes(data[1064:1068], "little") * 4096
        mode = int.from_bytes(data[inodes + 32 * number + 4 :][:2], "little")
        assert oct(mode) == "0o104755"

    def test_raw(
        self, builder: Builder, project: Path, tree: str, original: Path, tmp_path: Path
    ) -> None:
        text = FILE.format(framework="linux", image=tree, type="raw")
        packed = builder.pack(project, text)
        assert packed.keys["mountRootfs"] == "true"
        packed.tree.unpack(str(tmp_path))
        shutil.rmtree(tmp_path / ".boot")
        (tmp_path / "urunc.json").unlink()
        expected = {
            name: facts
            for name, facts in listing(original).items()
            if name not in ("var/null", "var/disk")
        }
        assert listing(tmp_path) == expected

    def test_none(self, any_builder: Builder, project: Path) -> None:
        text = FILE.format(framework="linux", image="scratch", type="none")
        packed = any_builder.pack(project, text)
        assert packed.files == ["/.boot/kernel", "/urunc.json"]
        assert packed.keys["mountRootfs"] == "false"


class TestModes:
    """Whoever the monitor runs as can open its files: urunc makes it the container's user."""

    @pytest.mark.parametrize(
        ("rootfs", "mode"),
        [
            ("{type: block, include: ['small:/a']}", 0o666),
            ("{type: block, filesystem: squashfs, include: ['small:/a']}", 0o666),
            ("{from: local, path: small, type: block}", 0o666),
            ("{type: initrd, include: ['small:/a']}", 0o644),
            ("{from: local, path: small, type: initrd}", 0o644),
        ],
    )
    def test_one_file(self, any_builder: Builder, project: Path, rootfs: str, mode: int) -> None:
        text = FILE.partition("rootfs:")[0].format(framework="linux")
        packed = any_builder.pack(project, f"{text}rootfs: {rootfs}\nuser: '1000'\n")
        paths = ("/.boot", "/.boot/kernel", "/.boot/rootfs", "/urunc.json")
        assert self.modes(packed, *paths) == [0o755, 0o755, mode, 0o644]

    def test_a_tree(self, any_builder: Builder, project: Path) -> None:
        text = FILE.format(framework="linux", image="scratch", type="raw")
        text = text.replace("init: none\n", "") + "  include: ['small:/a']\nuser: '1000'\n"
        packed = any_builder.pack(project, text)
        paths = ("/.hutch", "/.hutch/init.conf", "/urunit")
        assert self.modes(packed, *paths) == [0o755, 0o644, 0o755]

    @staticmethod
    def modes(packed: Packed, *paths: str) -> list[int]:
        return [stat.S_IMODE(packed.tree.stat(path).mode) for path in paths]


def test_a_directory_upon_the_root(any_builder: Builder, tmp_path: Path) -> None:
    """Files of the context and of the application, each at `/`."""
    (tmp_path / "kernel").write_bytes(b"kernel")
    for folder in ("files", "app"):
        (tmp_path / folder / "usr").mkdir(parents=True)
        (tmp_path / folder / "usr" / folder).write_text(folder)
        (tmp_path / folder / folder).write_text(folder)
    text = FILE.format(framework="linux", image="scratch", type="raw")
    packed = any_builder.pack(
        tmp_path,
        text + "  include: ['files:/']\n"
        "app: {from: local, path: app, build: 'true', artifacts: ['.:/']}\n",
    )
    for folder in ("files", "app"):
        for path in (f"/{folder}", f"/usr/{folder}"):
            assert packed.read(path) == folder.encode(), path


def test_a_source_that_is_a_link(any_builder: Builder, tmp_path: Path) -> None:
    """It means what it leads to, as for COPY, unless the include says not; v0.1 is bunny's."""
    (tmp_path / "kernel").write_bytes(b"kernel")
    (tmp_path / "real").mkdir()
    (tmp_path / "real/conf").write_text("conf\n")
    (tmp_path / "conf.link").symlink_to("real/conf")
    (tmp_path / "folder.link").symlink_to("real")
    text = FILE.format(framework="linux", image="scratch", type="raw")
    packed = any_builder.pack(
        tmp_path,
        text + "  include:\n    - conf.link:/etc/conf\n    - folder.link:/etc/folder\n"
        "    - {source: conf.link, destination: /etc/link, follow: false}\n",
    )
    assert packed.read("/etc/conf") == packed.read("/etc/folder/conf") == b"conf\n"
    assert packed.tree.stat("/etc/link").linkname == "real/conf"
    old = text.replace("version: v1", "version: v0.1").replace("init: none\n", "")
    packed = any_builder.pack(tmp_path, old + "  include: ['conf.link:/etc/conf']\n")
    assert packed.tree.stat("/etc/conf").linkname == "real/conf"


class TestOnOldDocker:
    """The same tools, seen through BuildKit 0.8: the tool image is found by its reference there."""

    def test_initrd_and_block_are_the_same_bytes(
        self, builder: Builder, old_builder: Builder, project: Path
    ) -> None:
        for kind in ("initrd", "block"):
            text = FILE.format(framework="linux", image="scratch", type=kind)
            text += "  include: ['small:/a/b', 'small:/c']\n"
            new, old = (b.pack(project, text, epoch=EPOCH) for b in (builder, old_builder))
            assert new.read("/.boot/rootfs") == old.read("/.boot/rootfs")
