"""Git repositories, as BuildKit's clients write them: an address, and what to check out of it.

`GitUrl.parse` reads an address: a URL, or the `user@host:path` form of SSH, with `#ref:subdir`
behind it. `context` reads what may be a build context, as Docker does: that is git if it is
`git@host:path`, `ssh://`, `git://`, `github.com/...`, or an http(s) URL whose path ends in `.git`,
and what to check out is in the fragment or in the query (`?ref=...&subdir=...`). Where nothing but
a repository makes sense, any http(s) URL is one: `repository`.

Rules of util/gitutil/git_url.go and util/sshutil/scpurl.go, as client/llb/source.go applies them,
and of frontend/dockerfile/dfgitutil.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from llb import paths

_URL: Final = re.compile(r"([a-zA-Z0-9]+)://(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(\?[^#]*)?(?:#(.*))?")
_SCP: Final = re.compile(r"([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(\?.*?)?(?:#(.*))?")
_SCHEMES: Final = frozenset({"http", "https", "ssh", "git"})
_SHORT: Final = "github.com/"


class InvalidGitUrl(ValueError):
    """The text is not the address of a git repository, or asks for what makes no sense."""


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

    @classmethod
    def parse(cls, text: str) -> "GitUrl":
        """Read an address; one without a protocol is `https`.

        Raises InvalidGitUrl for an unknown protocol and for a query, which has no meaning to git.
        """
        address = _Address.of(text)
        ref, _, subdir = address.fragment.partition(":")
        return cls(address.remote, ref, subdir)

    @property
    def scheme(self) -> str:
        """The protocol: one of http, https, ssh, git."""
        return _Address.of(self.remote).scheme

    @property
    def identity(self) -> str:
        """The host and the path that name the repository whatever the protocol."""
        return _Address.of(self.remote).identity


def is_repository(text: str) -> bool:
    """Whether a name that may be an image's is a repository's: a URL, or user@host:path."""
    return "://" in text or text.startswith(_SHORT) or _is_scp(text)


def repository(text: str) -> GitUrl:
    """Read what has to be a repository. Raises InvalidGitUrl if it is none."""
    found = context(text)
    if found is None and text.lower().startswith(("http://", "https://")):
        found = _checkout(*_take_apart(text), text)
    try:
        named = found is not None and found.identity.strip("/")
    except InvalidGitUrl:
        named = ""
    if found is None or not named:
        raise InvalidGitUrl(f"{text!r} is no git repository")
    return found


def context(text: str) -> GitUrl | None:
    """Read the value of a build context; None if it is no git URL.

    Raises InvalidGitUrl on a bad query.
    """
    if text.startswith(("./", "../")):
        return None
    address, query, fragment = _take_apart(text)
    scheme, separator, _ = text.partition("://")
    if text.startswith(_SHORT):
        address = "https://" + address
    elif separator:
        scheme = scheme.lower()
        if scheme not in _SCHEMES or (scheme[:4] == "http" and not address.endswith(".git")):
            return None
    elif not _is_scp(text):
        return None
    return _checkout(address, query, fragment, text)


@dataclass(frozen=True, slots=True)
class _Address:
    """An address taken apart; `fragment` is what followed `#`."""

    scheme: str
    remote: str
    identity: str
    fragment: str = ""

    @classmethod
    def of(cls, text: str) -> "_Address":
        found = _SCP.fullmatch(text) if "://" not in text else None
        if found is not None:
            user, host, path, query, fragment = found.groups(default="")
            scheme, remote = "ssh", f"{user}@{host}:{path}"
        else:
            url = _URL.fullmatch(text if "://" in text else f"https://{text}")
            if url is None:
                raise InvalidGitUrl(f"{text!r} is not the address of a git repository")
            scheme, user, host, path, query, fragment = url.groups(default="")
            scheme = scheme.lower()
            remote = f"{scheme}://{user + '@' if user else ''}{host}{path}"
        if scheme not in _SCHEMES:
            raise InvalidGitUrl(f"git repositories are not fetched with {scheme!r}: {text!r}")
        if query:
            raise InvalidGitUrl(f"{text!r} has a query; give ref and subdir as arguments instead")
        if "%" in path and scheme != "ssh":
            from urllib.parse import unquote  # rare

            path = unquote(path)
        return cls(scheme, remote, host + paths.join("/", path), fragment)


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
        """Raise InvalidGitUrl."""
        raise InvalidGitUrl(f"the git URL {self._text!r} makes no sense: {why}")

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
    return paths.clean("/" + path).removeprefix("/")


def _unquote(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)
