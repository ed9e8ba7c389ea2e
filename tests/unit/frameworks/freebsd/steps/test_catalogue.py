"""FreeBSD's repositories of packages: which count, who signs, what is needed and fetched."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from frameworks import exits
from frameworks.bsd.steps.fetching import Wrong
from frameworks.freebsd.steps import catalogue
from frameworks.freebsd.steps.catalogue import Repository, There
from tests.integration.harness.serving import serve

KEY = "f" * 64


def line(name: str, version: str = "1.0", deps: tuple[str, ...] = (), data: bytes = b"") -> str:
    said = {
        "name": name,
        "origin": f"misc/{name}",
        "version": version,
        "abi": "FreeBSD:15:amd64",
        "sum": hashlib.sha256(data).hexdigest(),
        "path": f"All/{name}-{version}.pkg",
        "repopath": f"All/Hashed/{name}-{version}~0123.pkg",
        "deps": {each: {"origin": f"misc/{each}", "version": "1"} for each in deps},
    }
    return json.dumps(said)


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as made:
        for name, data in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def conf(tree: Path, text: str, name: str = "etc/pkg/FreeBSD.conf") -> Path:
    file = tree / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return tree


# --- where packages are ---

FREEBSD_CONF = """\
# To disable a repository: FreeBSD: { enabled: no }
FreeBSD-ports: {
  url: "pkg+https://pkg.FreeBSD.org/${ABI}/quarterly",
  mirror_type: "srv",
  signature_type: "fingerprints",
  fingerprints: "/usr/share/keys/pkg",
  enabled: yes
}
FreeBSD-ports-kmods: {
  url: "pkg+https://pkg.FreeBSD.org/${ABI}/kmods_quarterly_${VERSION_MINOR}",
  enabled: yes
}
FreeBSD-base: {
  url: "pkg+https://pkg.FreeBSD.org/${ABI}/base_release_${VERSION_MINOR}",
  signature_type: "fingerprints",
  fingerprints: "/usr/share/keys/pkgbase-${VERSION_MAJOR}",
  enabled: no
}
"""


def test_freebsds_own_repository_where_the_tree_says_nothing(tmp_path: Path) -> None:
    found = catalogue.repositories(tmp_path, "15.0", "aarch64", (KEY,))
    url = "https://pkg.FreeBSD.org/FreeBSD:15:aarch64/quarterly"
    assert found == [Repository("FreeBSD", url, (KEY,))]


def test_the_repositories_of_a_base(tmp_path: Path) -> None:
    conf(tmp_path, FREEBSD_CONF)
    folder = tmp_path / "usr/share/keys/pkg"
    for kind, digest in (("trusted", "a" * 64), ("trusted", "b" * 64), ("revoked", "b" * 64)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        said = f'function: "sha256"\nfingerprint: "{digest}"\n'
        (folder / kind / digest[0]).write_text(said)
    (found,) = catalogue.repositories(tmp_path, "15.1", "amd64", (KEY,))
    assert found.name == "FreeBSD-ports"
    assert found.url == "https://pkg.FreeBSD.org/FreeBSD:15:amd64/quarterly"
    assert found.keys == ("a" * 64,)


def test_ones_own_repository_comes_before_it(tmp_path: Path) -> None:
    conf(tmp_path, FREEBSD_CONF)
    own = 'mine: {\n url = "http://repo.example/p/", priority = 5, signature_type = none }\n'
    conf(tmp_path, own + "FreeBSD-base: { enabled: true }", "usr/local/etc/pkg/repos/mine.conf")
    found = catalogue.repositories(tmp_path, "15.1", "amd64", (KEY,))
    assert [(each.name, each.keys) for each in found] == [
        ("mine", ()),
        ("FreeBSD-ports", (KEY,)),
        ("FreeBSD-base", (KEY,)),
    ]
    assert found[0].url == "http://repo.example/p"
    assert found[2].url.endswith("/base_release_1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('a: { url: "https://a.example", enabled: no }', "no repository of packages is enabled"),
        ('a: { url: "file:///packages" }', "packages come by http and https"),
        ('a: { url: "https://a.example", signature_type: "pgp" }', "signatures of a kind 'pgp'"),
        (
            'a: { url: "https://a.example", signature_type: pubkey, pubkey: "/etc/no.pub" }',
            "/etc/no.pub: No such file or directory",
        ),
    ],
)
def test_repositories_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    conf(tmp_path, text)
    with pytest.raises(Wrong, match=said):
        catalogue.repositories(tmp_path, "15.0", "amd64", ())


def test_nothing_is_read_outside_the_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "etc/pkg").mkdir(parents=True)
    (tmp_path / "secret").write_text("a: {}")
    (tree / "etc/pkg/a.conf").symlink_to("../../../secret")
    with pytest.raises(Wrong, match=r"/etc/pkg/a.conf leads out of the root file system"):
        catalogue.repositories(tree, "15.0", "amd64", ())


# --- signatures ---


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("key")
    run = ["openssl", "genrsa", "-out", str(folder / "key"), "2048"]
    subprocess.run(run, check=True, capture_output=True)
    run = ["openssl", "rsa", "-in", str(folder / "key"), "-pubout", "-out", str(folder / "pub")]
    subprocess.run(run, check=True, capture_output=True)
    return folder


def signed(key: Path, text: bytes) -> bytes:
    digest = hashlib.sha256(text).hexdigest().encode()
    run = ["openssl", "dgst", "-sha256", "-sign", str(key / "key")]
    return subprocess.run(run, input=digest, check=True, capture_output=True).stdout


def test_who_signs_a_catalogue(key: Path) -> None:
    text = line("a").encode()
    public = (key / "pub").read_bytes()
    trusting = Repository("r", "https://r", (hashlib.sha256(public).hexdigest(),))
    name = "packagesite.yaml"
    good = {name: text, f"{name}.sig": signed(key, text), f"{name}.pub": public}
    catalogue.verify(trusting, text, good)
    for bad, why in (
        ({**good, f"{name}.sig": signed(key, b"another")}, "the signature of the catalogue of"),
        ({**good, f"{name}.pub": public + b"\n"}, "signed by no key that is trusted"),
        ({name: text}, "signed by no key that is trusted"),
    ):
        with pytest.raises(Wrong, match=why):
            catalogue.verify(trusting, text, bad)
    own = Repository("r", "https://r", key=public)
    catalogue.verify(own, text, {name: text, "signature": signed(key, text)})
    with pytest.raises(Wrong, match="has no signature"):
        catalogue.verify(own, text, {name: text})


def run(*words: str, data: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


def test_keys_of_elliptic_curves_and_other_kinds(tmp_path: Path) -> None:
    own = str(tmp_path / "key")
    run("ecparam", "-name", "secp384r1", "-genkey", "-noout", "-out", own)
    public = run("ec", "-in", own, "-pubout", "-outform", "DER")
    text = b'{"packages":[]}'
    digest = hashlib.sha256(text).hexdigest().encode()
    signature = run("dgst", "-sha256", "-sign", own, data=digest)
    # As pkg_repo_create.c of libpkg writes both, the kind first.
    head = b"$PKGSIGN:ecdsa$"
    good = {"data": text, "data.sig": head + signature, "data.pub": head + public}
    trusting = Repository("r", "https://r", (hashlib.sha256(public).hexdigest(),))
    catalogue.verify(trusting, text, good)
    one = run("dgst", "-sha256", "-sign", own, data=hashlib.blake2b(text).digest())
    catalogue.verify(Repository("r", "https://r", key=public), text, {"signature": head + one})
    with pytest.raises(Wrong, match="the signature of the catalogue of https://r is wrong"):
        catalogue.verify(trusting, text + b" ", good)
    other = {**good, "data.sig": b"$PKGSIGN:eddsa$" + signature}
    with pytest.raises(Wrong, match="has a signature of a kind 'eddsa'"):
        catalogue.verify(trusting, text, other)


# --- what is wanted ---


def known(*lines: str) -> dict[str, catalogue.Found]:
    repository = Repository("r", "https://r")
    data = archive(packagesite_yaml="\n".join(lines).encode())
    return {each.name: each for each in catalogue.read(repository, data)}


LINES = (
    line("nginx", "1.26", ("pcre2", "zlib")),
    line("pcre2", "10.43", ("readline",)),
    line("readline", deps=("pcre2",)),
    line("zlib"),
    line("other"),
)


def test_a_package_brings_what_it_needs() -> None:
    def names(*said: str, there: tuple[str, ...] = ()) -> list[str]:
        base = There(frozenset(there))
        return [each.name for each in catalogue.resolve(said, known(*LINES), base)]

    assert names("nginx") == ["nginx", "pcre2", "readline", "zlib"]
    assert names("misc/nginx", there=("zlib", "pcre2")) == ["nginx"]
    assert names("zlib=1.0", "other") == ["other", "zlib"]
    assert names("zlib", there=("zlib",)) == []
    (zlib,) = catalogue.resolve(["zlib"], known(*LINES), There())
    assert zlib.url == "https://r/All/Hashed/zlib-1.0~0123.pkg"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ngnix", r"the repositories have no package 'ngnix' \(did you mean nginx\?\)"),
        ("zlib=2.0", r"the repositories have zlib 1.0, and 'packages' says 2.0"),
        ("broken", r"broken needs the package nothing, which no repository has"),
    ],
)
def test_a_package_that_there_is_not(name: str, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        catalogue.resolve([name], known(*LINES, line("broken", deps=("nothing",))), There())


def test_libraries_that_another_package_gives() -> None:
    """FreeBSD's own packages need each other by libraries alone."""
    lines = []
    for name, wants, gives in (
        ("fetch", ["libfetch.so.6", "libc.so.7"], []),
        ("fetch-lib", ["libssl.so.35", "libc.so.7"], ["libfetch.so.6"]),
        ("fetch-lib32", [], ["libfetch.so.6:32"]),
        ("ssl-b", [], ["libssl.so.35"]),
        ("ssl-a", [], ["libssl.so.35"]),
        ("vi", [], []),
        ("editor", [], []),
    ):
        said = json.loads(line(name))
        lines.append(json.dumps({**said, "shlibs_required": wants, "shlibs_provided": gives}))
    lines[-1] = json.dumps({**json.loads(lines[-1]), "requires": ["an-editor"]})
    lines[-2] = json.dumps({**json.loads(lines[-2]), "provides": ["an-editor"]})

    def names(said: str, there: There) -> list[str]:
        return [each.name for each in catalogue.resolve([said], known(*lines), there)]

    assert names("fetch", There()) == ["fetch", "fetch-lib", "ssl-a"]
    assert names("fetch", There(frozenset({"ssl-b"}))) == ["fetch", "fetch-lib"]
    assert names("fetch", There(libraries=frozenset({"libfetch.so.6"}))) == ["fetch"]
    assert names("editor", There()) == ["editor", "vi"]


def test_what_libraries_a_base_has(tmp_path: Path) -> None:
    for name in ("lib/libc.so.7", "usr/lib/libssl.so.35", "usr/lib/libssl.a", "home/liba.so"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(catalogue.libraries(tmp_path)) == ["libc.so.7", "libssl.so.35"]


@pytest.mark.parametrize("between", [",", ",\n", " , "])
def test_the_catalogue_that_pkg_reads_since_its_version_2(between: str) -> None:
    repository = Repository("r", "https://r")
    text = f'{{"groups":[{{"name":"g"}}],"packages":[{between.join(LINES)}]}}'
    found = list(catalogue.read(repository, archive(data=text.encode())))
    assert found == list(known(*LINES).values())
    assert not list(catalogue.read(repository, archive(data=b'{"packages":[]}')))


@pytest.mark.parametrize("text", [b"{}", b'{"packages":[', b'{"packages":[{"name":"a"}]}'])
def test_a_catalogue_without_its_list(text: bytes) -> None:
    with pytest.raises(Wrong, match="has a line that is none"):
        list(catalogue.read(Repository("r", "https://r"), archive(data=text)))


@pytest.mark.parametrize("text", [b"none", b"{}", b"[]", b'{"name": "a"}'])
def test_a_line_that_is_no_package(text: bytes) -> None:
    with pytest.raises(Wrong, match="has a line that is none"):
        list(catalogue.read(Repository("r", "https://r"), archive(packagesite_yaml=text)))


def test_a_catalogue_that_is_none() -> None:
    for data, said in ((b"none", "is damaged"), (archive(a=b""), "has no packagesite.yaml")):
        with pytest.raises(Wrong, match=said):
            list(catalogue.read(Repository("r", "https://r"), data))


# --- all of it ---


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "repository"
    (folder / "All/Hashed").mkdir(parents=True)
    for name in ("one-1.0", "two-1.0"):
        (folder / f"All/Hashed/{name}~0123.pkg").write_bytes(name.encode())
    lines = [line("one", deps=("two",), data=b"one-1.0"), line("two", data=b"two-1.0")]
    data = archive(packagesite_yaml="\n".join(lines).encode())
    (folder / "packagesite.pkg").write_bytes(data)
    with serve(folder) as url:
        conf(tmp_path / "tree", f'mine: {{ url: "{url}" }}\n')
        yield folder


def fetch(tmp_path: Path, *names: str, missing: bool = False) -> int:
    (tmp_path / "out").mkdir(exist_ok=True)
    where = ["--tree", str(tmp_path / "tree"), "--out", str(tmp_path / "out")]
    verb = ["--missing"] if missing else []
    return catalogue.main([*verb, *where, "--release", "15.0", "--arch", "amd64", "--", *names])


def test_what_is_fetched(tmp_path: Path, repository: Path) -> None:
    assert fetch(tmp_path, "one") == 0
    out = tmp_path / "out"
    listed = json.loads((out / "packages.json").read_text())
    assert [each["name"] for each in listed] == ["one", "two"]
    assert listed[0]["url"].endswith("/All/Hashed/one-1.0~0123.pkg")
    assert listed[0]["sha256"] == hashlib.sha256(b"one-1.0").hexdigest()
    assert (out / "two-1.0~0123.pkg").read_bytes() == b"two-1.0"


def test_which_packages_there_are_not(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frontend asks which, to tell of each at its line."""
    assert fetch(tmp_path, "one", "on") == exits.NO_PACKAGE
    said = "the repositories have no package 'on' (did you mean one?)"
    assert capsys.readouterr().err == f"hutch: {said}\n"
    assert fetch(tmp_path, "one=2.0") == exits.NO_PACKAGE
    names = ("one", "misc/one", "one=1.0", "one=2.0", "on", "misc/on")
    assert fetch(tmp_path, *names, missing=True) == 0
    assert (tmp_path / "out/missing").read_text() == "one=2.0\non\nmisc/on\n"
    assert not (tmp_path / "out/packages.json").exists()


def test_a_repository_that_does_not_answer(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf(tmp_path / "tree", 'mine: { url: "http://127.0.0.1:1/x" }\n')
    assert fetch(tmp_path, "one") == exits.NO_NETWORK
    said = capsys.readouterr().err
    assert said.startswith("hutch: http://127.0.0.1:1/x/packagesite.pkg: ")
    assert "refused" in said


def test_what_a_base_has_is_not_fetched(tmp_path: Path, repository: Path) -> None:
    base = tmp_path / "tree/var/db/pkg/local.sqlite"
    base.parent.mkdir(parents=True)
    with sqlite3.connect(base) as made:
        made.execute("CREATE TABLE packages (id INTEGER, name TEXT, version TEXT)")
        made.execute("INSERT INTO packages VALUES (1, 'two', '0.9')")
    made.close()
    assert fetch(tmp_path, "one") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "one-1.0~0123.pkg",
        "packages.json",
    ]


def test_a_base_whose_pkg_was_killed(tmp_path: Path) -> None:
    folder = tmp_path / "tree/var/db/pkg"
    folder.mkdir(parents=True)
    made = sqlite3.connect(tmp_path / "local.sqlite")
    made.execute("PRAGMA journal_mode = WAL")
    with made:
        made.execute("CREATE TABLE packages (id INTEGER, name TEXT, version TEXT)")
        made.execute("INSERT INTO packages VALUES (1, 'two', '0.9')")
    for name in ("local.sqlite", "local.sqlite-wal"):
        (folder / name).write_bytes((tmp_path / name).read_bytes())
    made.close()
    assert list(catalogue.installed(tmp_path / "tree")) == ["two"]


def test_another_file_than_the_catalogue_says(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "All/Hashed/two-1.0~0123.pkg").write_bytes(b"another")
    assert fetch(tmp_path, "one") == 1
    said = capsys.readouterr().err
    assert said.startswith("hutch: http://127.0.0.1:")
    assert said.endswith(
        "two-1.0~0123.pkg is not what the catalogue says: its checksum is another\n"
    )


@pytest.mark.parametrize(
    "said",
    [  # of b"a", as `pkg checksum` of pkg 2 says them, and as it took them before it had kinds
        "0$k6fdeje35exic7mat3ci3to5p4jpazd9wy9hr3fzyh7kaz47e4qb",
        "1$ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
        "2$u3xsc8fhkf9ntjikcz3hcsg1h5n59yqmz8s483emc8gessm4qnpk7ikhgqcmmz98ci391sdx565bazeffh1djkzkep7j1q"
        "qgeawsc6y",
        "5$kkdrbcqqyncqdbz35rrtroag8w7819asumnpfoug5rifu8o76brb",
        "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    ],
)
def test_a_checksum_of_each_kind(tmp_path: Path, said: str) -> None:
    (tmp_path / "served").mkdir()
    (tmp_path / "served/a.pkg").write_bytes(b"a")
    with serve(tmp_path / "served") as url:
        package = catalogue.Found("a", "1", "misc/a", f"{url}/a.pkg", said)
        assert catalogue.store(package, tmp_path) == hashlib.sha256(b"a").hexdigest()
        (tmp_path / "served/a.pkg").write_bytes(b"b")
        with pytest.raises(Wrong, match="is not what the catalogue says: its checksum is another"):
            catalogue.store(package, tmp_path)


def test_a_checksum_of_another_kind(tmp_path: Path) -> None:
    package = catalogue.Found("a", "1", "misc/a", "http://127.0.0.1:1/a.pkg", "9$a")
    with pytest.raises(Wrong, match="the catalogue has a checksum of a kind '9' for a"):
        catalogue.store(package, tmp_path)


def test_a_repository_without_a_catalogue(
    tmp_path: Path, repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "packagesite.pkg").unlink()
    assert fetch(tmp_path, "one") == 1
    assert "hutch: there is no catalogue of packages at http://127" in capsys.readouterr().err
