"""Git URLs as build contexts."""

import pytest

from llb.giturl import GitUrl, InvalidGitUrl, context, is_repository, repository

REPO = "https://github.com/moby/buildkit.git"
COMMIT = "8ac2d11ef4bdf5a2d9f0b2c0c9b7b4c8f4ac0e5a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REPO, GitUrl(REPO)),
        (REPO + "#v1", GitUrl(REPO, "v1")),
        (REPO + "#v1:sub/dir", GitUrl(REPO, "v1", "sub/dir")),
        (REPO + "#:/sub//./dir/", GitUrl(REPO, "", "sub/dir")),
        (REPO + "#v1:../..", GitUrl(REPO, "v1", "")),
        (REPO + "#feature%2Fx", GitUrl(REPO, "feature/x")),
        ("http://h/x.git", GitUrl("http://h/x.git")),
        ("git://h/x", GitUrl("git://h/x")),
        ("ssh://git@h:22/x.git#main", GitUrl("ssh://git@h:22/x.git", "main")),
        ("git@github.com:a/b.git#main:d", GitUrl("git@github.com:a/b.git", "main", "d")),
        ("github.com/a/b", GitUrl("https://github.com/a/b")),
        (REPO + "?ref=v1&subdir=d", GitUrl(REPO, "v1", "d")),
        (REPO + "?tag=v1", GitUrl(REPO, "refs/tags/v1")),
        (REPO + "?branch=refs/heads/main", GitUrl(REPO, "refs/heads/main")),
        (REPO + f"?commit={COMMIT}", GitUrl(REPO, checksum=COMMIT)),
        (REPO + "?checksum=abc#v1", GitUrl(REPO, "v1", checksum="abc")),
        (REPO + "?keep-git-dir", GitUrl(REPO, keep_git_dir=True)),
        (REPO + "?submodules=false&mtime=commit", GitUrl(REPO, submodules=False, mtime="commit")),
        (REPO + "?fetch-by-commit=1", GitUrl(REPO, fetch_by_commit=True)),
    ],
)
def test_reads_what_to_check_out(text: str, expected: GitUrl) -> None:
    assert context(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "./x.git",
        "../git@h:x",
        "https://h/archive.tar.gz",
        "https://h/x.git/archive.tar",
        "https://h/x?y=.git",
        "docker-image://alpine",
        "http://buildkit-session/abc",
        "directory",
    ],
)
def test_leaves_other_contexts_alone(text: str) -> None:
    assert context(text) is None


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?ref=a#b", "two values for ref: 'b' and 'a'"),
        ("?ref=a&tag=b", "two values for ref"),
        ("?tag=a&branch=b", "a tag and a branch"),
        ("?ref=a&ref=b", "says 'ref' twice"),
        ("?ref=", "'ref' has no value"),
        ("?subdir=a#:b", "two values for subdir"),
        ("?commit=a&checksum=b", "two values for checksum"),
        ("?mtime=now", "mtime=now is not checkout or commit"),
        ("?submodules=perhaps", "submodules=perhaps is not true or false"),
        ("?depth=1", "nothing is known of 'depth'"),
    ],
)
def test_explains_a_bad_query(query: str, words: str) -> None:
    with pytest.raises(InvalidGitUrl) as caught:
        context(REPO + query)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "scheme", "remote", "identity", "ref", "subdir"),
    [
        ("HTTPS://h/a%20b", "https", "https://h/a%20b", "h/a b", "", ""),
        ("h/a//b#v1:d", "https", "https://h/a//b", "h/a/b", "v1", "d"),
        ("ssh://git@h:22/a%20b", "ssh", "ssh://git@h:22/a%20b", "h:22/a%20b", "", ""),
        ("git@h:a/b#v1", "ssh", "git@h:a/b", "h/a/b", "v1", ""),
    ],
)
def test_reads_an_address(
    text: str, scheme: str, remote: str, identity: str, ref: str, subdir: str
) -> None:
    found = GitUrl.parse(text)
    assert found == GitUrl(remote, ref, subdir)
    assert (found.scheme, found.identity) == (scheme, identity)


@pytest.mark.parametrize("text", ["ftp://h/x", "https://h/x?ref=a", "file:///x", "://"])
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidGitUrl):
        GitUrl.parse(text)


def test_any_url_is_a_repository_where_nothing_else_can_be() -> None:
    assert context("https://h/x?ref=v1") is None
    assert repository("https://h/x?ref=v1") == GitUrl("https://h/x", "v1")
    assert is_repository("https://h/x")
    assert not is_repository("debian:trixie")
    for text in ("ftp://h/x", "https://", "ssh:///", "directory"):
        with pytest.raises(InvalidGitUrl, match="is no git repository"):
            repository(text)
