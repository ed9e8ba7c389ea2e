"""Addresses of git repositories: URLs and the `user@host:path` form of SSH.

Rules of util/gitutil/git_url.go and util/sshutil/scpurl.go, as client/llb/source.go applies them.
"""

import re
from dataclasses import dataclass
from typing import Final

from llb import paths

_URL: Final = re.compile(r"([a-zA-Z0-9]+)://(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(\?[^#]*)?(?:#(.*))?")
_SCP: Final = re.compile(r"([a-zA-Z0-9_-]+)@([a-zA-Z0-9.-]+):(.*?)(\?.*?)?(?:#(.*))?")
_SCHEMES: Final = frozenset({"http", "https", "ssh", "git"})


@dataclass(frozen=True, slots=True)
class GitURL:
    """A repository's address.

    `remote` is what git is called with, `identity` is the host and path that name the repository
    whatever the protocol, `fragment` is what followed `#`.
    """

    scheme: str
    remote: str
    identity: str
    fragment: str = ""

    @classmethod
    def parse(cls, text: str) -> "GitURL":
        """Read an address; one without a protocol is `https`.

        Raises ValueError for an unknown protocol and for a query, which has no meaning to git.
        """
        found = _SCP.fullmatch(text) if "://" not in text else None
        if found is not None:
            user, host, path, query, fragment = found.groups(default="")
            scheme, remote = "ssh", f"{user}@{host}:{path}"
        else:
            url = _URL.fullmatch(text if "://" in text else f"https://{text}")
            if url is None:
                raise ValueError(f"{text!r} is not the address of a git repository")
            scheme, user, host, path, query, fragment = url.groups(default="")
            scheme = scheme.lower()
            remote = f"{scheme}://{user + '@' if user else ''}{host}{path}"
        if scheme not in _SCHEMES:
            raise ValueError(f"git repositories are not fetched with {scheme!r}: {text!r}")
        if query:
            raise ValueError(f"{text!r} has a query; give ref and subdir as arguments instead")
        if "%" in path and scheme != "ssh":
            from urllib.parse import unquote  # rare

            path = unquote(path)
        return cls(scheme, remote, host + paths.join("/", path), fragment)
