"""Packages of pkgsrc: what a repository's summary says, and what is fetched."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
from pathlib import Path

import pytest

from frameworks import exits
from frameworks.bsd.steps.fetching import Wrong
from frameworks.netbsd.steps import summary
from frameworks.netbsd.steps.summary import Found, resolve
from tests.integration.harness.serving import serve


def known(*fulls: str, **needs: str) -> list[Found]:
    return [
        Found(full, f"http://r/All/{full}.tgz", tuple(needs.get(full.split("-")[0], "").split()))
        for full in fulls
    ]


def test_all_that_is_needed_and_the_newest() -> None:
    found = resolve(
        ["nginx"],
        known(
            *("nginx-1.24", "nginx-1.26nb1", "pcre2-10.42", "zlib-1.3", "perl-5.40"),
            nginx="pcre2>=10.21 zlib>=1.2<2",
            pcre2="zlib-[0-9]*",
        ),
        [],
    )
    assert [each.full for each in found] == ["nginx-1.26nb1", "pcre2-10.42", "zlib-1.3"]


def test_what_is_there_already_is_not_fetched() -> None:
    found = resolve(["a"], known("a-1", "b-2", a="b>=1"), ["b-1.5"])
    assert [each.full for each in found] == ["a-1"]


def test_the_first_repository_that_has_a_name_is_no_reason_to_take_an_older_version() -> None:
    packages = [*known("a-1"), Found("a-2", "http://other/All/a-2.tgz")]
    assert [each.url for each in resolve(["a"], packages, [])] == ["http://other/All/a-2.tgz"]


@pytest.mark.parametrize(
    ("patterns", "needs", "said"),
    [
        (["ngnix"], "", "the repositories have no package 'ngnix' (did you mean nginx?)"),
        (["nginx"], "pcre2>=11", "nginx-1 needs 'pcre2>=11', which no repository has"),
        (["pcre2", "nginx"], "pcre2<10", "nginx-1 needs 'pcre2<10', and pcre2-10 is taken"),
    ],
)
def test_what_cannot_be_had(patterns: list[str], needs: str, said: str) -> None:
    packages = known("nginx-1", "pcre2-9", "pcre2-10", nginx=needs)
    with pytest.raises(Wrong) as wrong:
        resolve(patterns, packages, [])
    assert str(wrong.value) == said


def test_two_that_are_not_to_meet() -> None:
    one = Found("a-1", "http://r/a-1.tgz", conflicts=("b-[0-9]*",))
    with pytest.raises(Wrong, match="a-1 and b-2 cannot be installed together"):
        resolve(["a", "b"], [one, *known("b-2")], [])


def tree(tmp_path: Path, **files: str) -> Path:
    root = tmp_path / "tree"
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_where_packages_are(tmp_path: Path) -> None:
    def places(path: str = "") -> list[str]:
        return summary.repositories(tree(tmp_path), "11.0", "x86_64", path)

    official = "https://cdn.NetBSD.org/pub/pkgsrc/packages/NetBSD/x86_64/11.0/All"
    assert places() == [official]
    (tmp_path / "tree/etc").mkdir()
    (tmp_path / "tree/etc/pkg_install.conf").write_text(
        "VERBOSE=1\nPKG_PATH = http://a/;http://b\n"
    )
    assert places() == ["http://a", "http://b"]
    pkgin = tmp_path / "tree/usr/pkg/etc/pkgin/repositories.conf"
    pkgin.parent.mkdir(parents=True)
    pkgin.write_text("# ours\nhttps://m/$arch/$osrelease/All\n")
    assert places() == ["https://m/x86_64/11.0/All"]
    assert places("http://c/All/;http://d") == ["http://c/All", "http://d"]
    with pytest.raises(Wrong, match="by http and https, and a repository is at ftp://x"):
        places("ftp://x")


def test_a_configuration_that_leads_out_is_none(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("PKG_PATH=http://evil\n")
    root = tree(tmp_path)
    (root / "etc").mkdir()
    (root / "etc/pkg_install.conf").symlink_to(tmp_path / "outside")
    assert summary.repositories(root, "11.0", "aarch64", "") == [
        "https://cdn.NetBSD.org/pub/pkgsrc/packages/NetBSD/aarch64/11.0/All"
    ]


SUMMARY = """\
PKGNAME=hello-2.12nb1
DEPENDS=libgreet>=1.0
COMMENT=Says hello
FILE_NAME=hello-2.12nb1.tgz
FILE_CKSUM=SHA256 {digest}
DESCRIPTION=Says=hello
DESCRIPTION=

PKGNAME=libgreet-1.4
COMMENT=A library

"""


def run(tmp_path: Path, url: str, *patterns: str, missing: bool = False) -> int:
    (tmp_path / "out").mkdir(exist_ok=True)
    where = ["--tree", str(tree(tmp_path)), "--out", str(tmp_path / "out"), "--path", url]
    verb = ["--missing"] if missing else []
    return summary.main([*verb, *where, "--arch", "x86_64", "--", *patterns])


@pytest.mark.parametrize("kind", ["gz", "bz2"])
def test_fetching(tmp_path: Path, kind: str) -> None:
    served = tmp_path / "All"
    served.mkdir()
    (served / "hello-2.12nb1.tgz").write_bytes(b"hello")
    (served / "libgreet-1.4.tgz").write_bytes(b"greet")
    digests = [hashlib.sha256(data).hexdigest() for data in (b"hello", b"greet")]
    text = SUMMARY.format(digest=digests[0]).encode()
    packed = gzip.compress(text) if kind == "gz" else bz2.compress(text)
    (served / f"pkg_summary.{kind}").write_bytes(packed)
    with serve(tmp_path) as url:
        assert run(tmp_path, f"{url}/All", "hello") == 0
        assert json.loads((tmp_path / "out/packages.json").read_text()) == [
            {
                "name": name,
                "version": version,
                "url": f"{url}/All/{name}-{version}.tgz",
                "sha256": digest,
            }
            for name, version, digest in zip(
                ("hello", "libgreet"), ("2.12nb1", "1.4"), digests, strict=True
            )
        ]
    assert (tmp_path / "out/libgreet-1.4.tgz").read_bytes() == b"greet"


def test_a_package_that_there_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The frontend asks which, to tell of each at its line."""
    (tmp_path / "All").mkdir()
    (tmp_path / "All/pkg_summary.gz").write_bytes(gzip.compress(SUMMARY.format(digest=0).encode()))
    with serve(tmp_path) as url:
        assert run(tmp_path, f"{url}/All", "hello", "helo") == exits.NO_PACKAGE
        said = "the repositories have no package 'helo' (did you mean hello?)"
        assert capsys.readouterr().err == f"hutch: {said}\n"
        assert run(tmp_path, f"{url}/All", "hello>=3", "hello>=2", "helo", missing=True) == 0
    assert (tmp_path / "out/missing").read_text() == "hello>=3\nhelo\n"
    assert not (tmp_path / "out/packages.json").exists()
    assert run(tmp_path, f"{url}/All", "hello") == exits.NO_NETWORK


def test_what_goes_wrong_on_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    served = tmp_path / "All"
    served.mkdir()
    with serve(tmp_path) as url:
        assert run(tmp_path, f"{url}/All", "hello") == 1
        assert capsys.readouterr().err == f"hutch: there is no summary of packages at {url}/All\n"
        (served / "pkg_summary.gz").write_bytes(b"nothing")
        assert run(tmp_path, f"{url}/All", "hello") == 1
        assert f"{url}/All/pkg_summary.gz is damaged" in capsys.readouterr().err
        (served / "pkg_summary.gz").write_bytes(
            gzip.compress(SUMMARY.format(digest="0" * 64).encode())
        )
        (served / "libgreet-1.4.tgz").write_bytes(b"greet")
        (served / "hello-2.12nb1.tgz").write_bytes(b"another")
        assert run(tmp_path, f"{url}/All", "hello") == 1
        said = "hello-2.12nb1.tgz is not what the summary says: its SHA256 is another"
        assert said in capsys.readouterr().err
        (served / "hello-2.12nb1.tgz").unlink()
        assert run(tmp_path, f"{url}/All", "hello") == 1
        assert "hello-2.12nb1.tgz: 404" in capsys.readouterr().err
