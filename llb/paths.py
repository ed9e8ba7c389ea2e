"""Slash-separated paths of a build, joined and cleaned as Go's package `path` does.

BuildKit's clients clean every path before they send it, so an op's digest depends on these rules.
`posixpath.normpath` differs from them: it keeps a leading `//`.
"""


def clean(path: str) -> str:
    """Return the shortest equal path: no `.`, no `//`, `..` resolved. The empty path is `.`."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            parts.append(part)
        elif parts and parts[-1] != "..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    joined = "/".join(parts)
    if rooted:
        return "/" + joined
    return joined or "."


def join(*parts: str) -> str:
    """Join the non-empty parts with `/` and clean the result; nothing to join gives the empty
    string.
    """
    filled = [part for part in parts if part]
    return clean("/".join(filled)) if filled else ""


def is_absolute(path: str) -> bool:
    """Say whether `path` starts at the root."""
    return path.startswith("/")


def resolve(directory: str, path: str, *, keep_slash: bool = False) -> str:
    """Return `path` as an absolute, clean path; a relative one starts at `directory`.

    With `keep_slash` a trailing `/` or `/.` survives: for the destination of a copy it means
    "into this directory" (client/llb/fileop.go, normalizePath).
    """
    cleaned = clean(path)
    if not is_absolute(cleaned):
        cleaned = join("/", directory, cleaned)
    if keep_slash:
        if path.endswith("/") and not cleaned.endswith("/"):
            cleaned += "/"
        elif path.endswith("/."):
            cleaned = cleaned.rstrip("/") + "/."
    return cleaned
