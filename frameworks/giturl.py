"""Git repositories, as Docker writes them: `https://host/repo.git#ref:dir` and its relatives.

Docker reads a build context as git if it is `git@host:path`, `ssh://`, `git://`, `github.com/...`,
or an http(s) URL whose path ends in `.git` (`parse`). Where a bunnyfile wants a repository and
nothing else, any http(s) URL is one (`repository`). What to check out is in the fragment
(`#ref:dir`) or in the query (`?ref=...&subdir=...`). Sources: docs/contract/buildkit.md 4.2
(frontend/dockerfile/dfgitutil, util/gitutil, util/sshutil).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from frameworks.diagnostics import Problems, problem
from llb import Meta, MTime, Range, State, git
from llb.giturl import GitURL
from llb.paths import clean

_CODE = "bad-git-url"
_EXAMPLE = "for example https://github.com/OWNER/REPO.git?branch=main&subdir=DIR"


@dataclass(frozen=True, slots=True)
class GitUrl:
    """A repository and what of it to check out; "" is unset.

    `remote` is what git is called with, `checksum` the commit that `ref` must be, `submodules` and
    `keep_git_dir` are None where the URL does not say.
    """

    remote: str
    ref: str = ""
    subdir: str = ""
    checksum: str = ""
    keep_git_dir: bool | None = None
    submodules: bool | None = None
    mtime: Literal["", "checkout", "commit"] = ""
    fetch_by_commit: bool = False

    def checkout(
        self, *, meta: Meta, keep_git_dir: bool = False, mtime: MTime | None = None
    ) -> State:
        """The files that it asks for; the arguments add to what it says."""
        return git(
            self.remote,
            ref=self.ref,
            subdir=self.subdir,
            keep_git_dir=keep_git_dir or bool(self.keep_git_dir),
            checksum=self.checksum,
            skip_submodules=self.submodules is False,
            mtime=mtime or (MTime(self.mtime) if self.mtime else None),
            fetch_by_commit=self.fetch_by_commit,
            meta=meta,
        )


def is_repository(text: str) -> bool:
    """Whether a name that may be an image's is a repository's: a URL, or user@host:path."""
    return "://" in text or text.startswith("github.com/") or _is_scp(text)


def repository(text: str, at: Range | None = None) -> GitUrl:
    """Read what has to be a repository. Raises `Problems`, at the range `at`, if it is none."""
    try:
        found = parse(text)
        if found is None and text.lower().startswith(("http://", "https://")):
            found = _checkout(*_take_apart(text), text)
        if found is None or not GitURL.parse(found.remote).identity.strip("/"):
            raise ValueError
    except Problems as problems:
        raise Problems(replace(each, at=at) for each in problems.diagnostics) from None
    except ValueError:
        message = f"{text!r} is no git repository"
        raise problem(_CODE, message, hint=_EXAMPLE, at=at) from None
    return found


def parse(text: str) -> GitUrl | None:
    """Read a context value; None if it is no git URL. Raises `Problems` on a bad query."""
    if text.startswith(("./", "../")):
        return None
    if text.startswith("github.com/"):
        address, query, fragment = _take_apart(text)
        return _checkout("https://" + address, query, fragment, text)
    scheme, separator, _ = text.partition("://")
    if separator:
        address, query, fragment = _take_apart(text)
        match scheme.lower():
            case "ssh" | "git":
                return _checkout(address, query, fragment, text)
            case "http" | "https" if address.endswith(".git"):
                return _checkout(address, query, fragment, text)
        return None
    if _is_scp(text):
        address, query, fragment = _take_apart(text)
        return _checkout(address, query, fragment, text)
    return None


def _is_scp(text: str) -> bool:
    """Whether it is `user@host:path`."""
    user, at, rest = text.partition("@")
    host, colon, _ = rest.partition(":")
    named = bool(user) and all(c.isalnum() or c in "-_" for c in user) and user.isascii()
    hosted = bool(host) and all(c.isalnum() or c in "-." for c in host) and host.isascii()
    return bool(at and colon) and named and hosted


def _take_apart(text: str) -> tuple[str, str, str]:
    """The address, the query and the fragment."""
    rest, _, fragment = text.partition("#")
    address, _, query = rest.partition("?")
    return address, query, fragment


def _checkout(address: str, query: str, fragment: str, text: str) -> GitUrl:
    ref, _, subdir = _unquote(fragment).partition(":")
    subdir = _relative(subdir) if subdir else ""
    if not query:
        return GitUrl(address, ref, subdir)
    fields = _Query(text, query)
    subdir = fields.agree("subdir", subdir, fields.text("subdir"))
    ref = fields.agree("ref", ref, fields.text("ref"))
    tag, branch = fields.text("tag"), fields.text("branch")
    if tag and branch:
        fields.refuse("it names a tag and a branch")
    ref = fields.agree("ref", ref, _qualified("refs/tags/", tag))
    ref = fields.agree("ref", ref, _qualified("refs/heads/", branch))
    checksum = fields.agree("checksum", fields.text("checksum"), fields.text("commit"))
    found = GitUrl(
        address,
        ref,
        subdir,
        checksum=checksum,
        keep_git_dir=fields.flag("keep-git-dir"),
        submodules=fields.flag("submodules"),
        mtime=fields.mtime(),
        fetch_by_commit=fields.flag("fetch-by-commit") or False,
    )
    fields.finish()
    return found


class _Query:
    """The fields of a query, each taken once; what is left at the end is unknown."""

    def __init__(self, text: str, query: str) -> None:
        self._text = text
        self._fields: dict[str, str] = {}
        for pair in filter(None, query.split("&")):
            key, _, value = pair.partition("=")
            key = _unquote(key.replace("+", " "))
            if key in self._fields:
                self.refuse(f"it says {key!r} twice")
            self._fields[key] = _unquote(value.replace("+", " "))

    def refuse(self, why: str) -> None:
        """Raise the user's error."""
        raise problem(_CODE, f"the git URL {self._text!r} makes no sense: {why}", hint=_EXAMPLE)

    def text(self, key: str) -> str:
        """A field that needs a value; "" if it is not there."""
        value = self._fields.pop(key, None)
        if value == "":
            self.refuse(f"{key!r} has no value")
        return value or ""

    def flag(self, key: str) -> bool | None:
        """A field that is true by being there."""
        value = self._fields.pop(key, None)
        match value:
            case None:
                return None
            case "" | "1" | "t" | "T" | "true" | "True" | "TRUE":
                return True
            case "0" | "f" | "F" | "false" | "False" | "FALSE":
                return False
        self.refuse(f"{key}={value} is not true or false")
        return None

    def mtime(self) -> Literal["", "checkout", "commit"]:
        """Whose time checked out files get."""
        match self.text("mtime"):
            case "":
                return ""
            case "checkout":
                return "checkout"
            case "commit":
                return "commit"
            case other:
                self.refuse(f"mtime={other} is not checkout or commit")
                return ""

    def agree(self, what: str, first: str, second: str) -> str:
        """The one value that two places give."""
        if first and second and first != second:
            self.refuse(f"it gives two values for {what}: {first!r} and {second!r}")
        return first or second

    def finish(self) -> None:
        """Refuse what nobody took."""
        if self._fields:
            self.refuse(f"nothing is known of {sorted(self._fields)[0]!r}")


def _qualified(prefix: str, name: str) -> str:
    return name if not name or name.startswith(prefix) else prefix + name


def _relative(path: str) -> str:
    return clean("/" + path).removeprefix("/")


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)
