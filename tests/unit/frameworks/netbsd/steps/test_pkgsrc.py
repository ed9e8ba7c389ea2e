"""What is done of a package of pkgsrc, where none of its scripts can run."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from frameworks import exits
from frameworks.netbsd.steps import pkgsrc

WHEN = 1_700_000_000

CONTENTS = """\
@comment Packaged at 2026-01-01
@name {name}
@cwd /usr/pkg
@comment MD5:d41d8cd98f00b204e9800998ecf8427e
{files}"""


def package(folder: Path, name: str, files: dict[str, bytes], plist: str, **own: str) -> None:
    """A package's file, as pkg_create(1) makes it: its own files, then the others."""
    folder.mkdir(exist_ok=True)
    contents = CONTENTS.format(name=name, files=plist)
    members = {"+CONTENTS": contents.encode(), "+COMMENT": b"one\n"}
    members |= {f"+{each}": text.encode() for each, text in own.items()}
    with tarfile.open(folder / f"{name}.tgz", "w:gz") as made:
        for path, data in (members | files).items():
            info = tarfile.TarInfo(path)
            info.size, info.mode, info.mtime = len(data), 0o755, WHEN
            info.uid, info.gid = os.getuid(), os.getgid()
            made.addfile(info, io.BytesIO(data))


def install(tmp_path: Path, *asked: str) -> int:
    (tmp_path / "tree").mkdir(exist_ok=True)
    return pkgsrc.main([str(tmp_path / "packages"), str(tmp_path / "tree"), str(WHEN), *asked])


def found(tmp_path: Path) -> list[str]:
    tree = tmp_path / "tree"
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())


def test_what_was_asked_for_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Among the files or in the base; a lock's list may have lost it."""
    (tmp_path / "tree/usr/pkg/pkgdb/perl-5.40").mkdir(parents=True)
    (tmp_path / "tree/usr/pkg/pkgdb/perl-5.40/+CONTENTS").touch()
    package(tmp_path / "packages", "hello-2.12", {"bin/hello": b"#!"}, "bin/hello\n")
    assert install(tmp_path, "hello", "hello>=2<3", "hello-2.12", "perl>=5") == 0
    capsys.readouterr()
    assert install(tmp_path, "hello>=3", "perl", "nginx") == exits.UNFIT_PACKAGES
    said = "these packages are asked for, and are not among what is installed: hello>=3 nginx"
    assert capsys.readouterr().err == f"hutch: {said}\n"


def test_files_below_the_prefix_and_a_record(tmp_path: Path) -> None:
    plist = "@mode 0555\nbin/hello\n@mode\n@ignore\n+BUILD_INFO\n@pkgdir share/empty\n"
    package(tmp_path / "packages", "hello-2.12", {"bin/hello": b"#!"}, plist)
    (tmp_path / "packages/packages.json").write_text("[]")
    assert install(tmp_path) == 0
    tree = tmp_path / "tree"
    assert found(tmp_path) == [
        "usr/pkg/bin/hello",
        "usr/pkg/pkgdb/hello-2.12/+COMMENT",
        "usr/pkg/pkgdb/hello-2.12/+CONTENTS",
    ]
    assert (tree / "usr/pkg/bin/hello").stat().st_mode & 0o7777 == 0o555
    assert (tree / "usr/pkg/share/empty").is_dir()
    assert not list(tree.glob(".hutch-*"))
    for path in ("usr/pkg/bin", "usr/pkg/pkgdb/hello-2.12/+CONTENTS"):
        assert (tree / path).stat().st_mtime in (WHEN, (tree / path).stat().st_mtime)


def test_the_record_is_where_the_base_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "tree/var/db/pkg").mkdir(parents=True)
    package(tmp_path / "packages", "a-1", {"bin/a": b"a"}, "bin/a\n")
    assert install(tmp_path) == 0
    assert "var/db/pkg/a-1/+CONTENTS" in found(tmp_path)


SCRIPT = """\
#!/bin/sh
touch /ran
# FILE: /usr/pkg/etc/nginx/nginx.conf c share/examples/nginx.conf 0640 root nginx
# FILE: /etc/rc.d/nginx cr share/examples/rc.d/nginx 0755
# FILE: etc/there.conf c share/examples/nginx.conf
# DIR: /var/log/nginx m 0750 nginx nginx
# DIR: etc/other o
# GROUP: nginx:
# USER: nginx:nginx::nginx server:/nonexistent:/sbin/nologin
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other owners")
def test_what_scripts_say_as_data(tmp_path: Path) -> None:
    files = {"share/examples/nginx.conf": b"conf", "share/examples/rc.d/nginx": b"rc"}
    etc = tmp_path / "tree/etc"
    etc.mkdir(parents=True)
    (etc / "group").write_text("wheel:*:0:root\n")
    (etc / "passwd").write_text("root:*:0:0:Charlie &:/root:/bin/sh\n")
    (etc / "master.passwd").write_text("root::0:0::0:0:Charlie &:/root:/bin/sh\n")
    (etc / "pwd.db").write_text("old")
    there = tmp_path / "tree/usr/pkg/etc/there.conf"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    plist = "".join(f"{name}\n" for name in files)
    package(tmp_path / "packages", "nginx-1.26", files, plist, INSTALL=SCRIPT)
    assert install(tmp_path) == 0
    tree = tmp_path / "tree"
    assert not (tree / "ran").exists()
    conf = tree / "usr/pkg/etc/nginx/nginx.conf"
    assert conf.read_bytes() == b"conf"
    assert (conf.stat().st_mode & 0o7777, conf.stat().st_gid) == (0o640, 1000)
    assert there.read_text() == "mine"
    assert not (etc / "rc.d").exists()
    log = (tree / "var/log/nginx").stat()
    assert (log.st_mode & 0o7777, log.st_uid, log.st_gid) == (0o750, 1000, 1000)
    assert not (tree / "usr/pkg/etc/other").exists()
    last = "nginx server:/nonexistent:/sbin/nologin"
    assert (etc / "group").read_text().splitlines()[-1] == "nginx:*:1000:"
    assert (etc / "passwd").read_text().splitlines()[-1] == f"nginx:*:1000:1000:{last}"
    said = (etc / "master.passwd").read_text().splitlines()
    assert said[0].startswith("root:")
    assert said[-1] == f"nginx:*************:1000:1000::0:0:{last}"
    assert not (etc / "pwd.db").exists()
    assert (etc / "master.passwd").stat().st_mode & 0o777 == 0o600


def test_accounts_of_a_root_that_has_none(tmp_path: Path) -> None:
    script = "# GROUP: www:999\n# USER: www:www:998\n# USER: lost:nobodys\n# USER: ../x:www\n"
    package(tmp_path / "packages", "www-1", {"bin/w": b""}, "bin/w\n", INSTALL=script)
    assert install(tmp_path) == 0
    etc = tmp_path / "tree/etc"
    assert (etc / "group").read_text() == "wheel:*:0:root\nwww:*:999:\n"
    assert (etc / "passwd").read_text() == (
        "root:*:0:0:Charlie &:/root:/bin/sh\nwww:*:998:999:www:/nonexistent:/sbin/nologin\n"
    )


def test_commands_are_left_to_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plist = "lib/a.so\n@exec /sbin/ldconfig\n@unexec rm -rf /\n"
    package(tmp_path / "packages", "a-1", {"lib/a.so": b""}, plist)
    assert install(tmp_path) == 0
    assert capsys.readouterr().err == "hutch: a-1: its commands do not run here: /sbin/ldconfig\n"


def test_links_of_the_base_are_followed_inside_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "data/pkg").mkdir(parents=True)
    (tree / "usr").mkdir()
    (tree / "usr/pkg").symlink_to("/data/pkg")
    package(tmp_path / "packages", "a-1", {"bin/a": b"a"}, "bin/a\n")
    assert install(tmp_path) == 0
    assert (tree / "data/pkg/bin/a").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("plist", "said"),
    [
        ("../../etc/passwd\n", "the path '../../etc/passwd' leads out of the package"),
        ("/etc/passwd\n", "the path '/etc/passwd' leads out of the package"),
        ("@name ../../x\nbin/a\n", "'../../x' is no name of a package"),
        ("@cwd /../..\nbin/a\n", "the path '../..' leads out of the package"),
        ("@pkgdir ../x\n", "the path '../x' leads out of the package"),
        ("bin/b\n", "bin/b is in the list of the package, and not in it"),
    ],
)
def test_a_package_that_means_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plist: str, said: str
) -> None:
    package(tmp_path / "packages", "a-1", {"bin/a": b"a"}, plist)
    assert install(tmp_path) == 1
    error = capsys.readouterr().err
    assert error.startswith("hutch: the packages cannot be installed: ")
    assert said in error


def test_data_that_leads_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = "# DIR: ../../x m\n"
    package(tmp_path / "packages", "a-1", {"bin/a": b"a"}, "bin/a\n", INSTALL=script)
    assert install(tmp_path) == 1
    assert "the path '../../x' leads out of the root file system" in capsys.readouterr().err


def test_a_file_that_is_no_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "packages").mkdir()
    with tarfile.open(tmp_path / "packages/a-1.tgz", "w:gz") as made:
        made.addfile(tarfile.TarInfo("bin/a"), io.BytesIO())
    assert install(tmp_path) == 1
    assert "a-1.tgz is no package of pkgsrc: it has no +CONTENTS" in capsys.readouterr().err
