"""Repositories that a bunnyfile or a command line names, as sources of the build."""

from __future__ import annotations

from frameworks.base import Build
from frameworks.diagnostics import Problems, problem
from frameworks.spec import GitSource
from llb import Cap, Meta, Range, State, git
from llb.giturl import InvalidGitUrl


def checkout(build: Build, source: GitSource, meta: Meta) -> State:
    """The files of `source`: of its commit, where it has one.

    A branch or tag with the commit that it must be is fetched by itself; a commit alone makes
    daemons before BuildKit 0.30 fetch the whole history, so the name is used where there is one
    (source/git/source.go). What checks it came with 0.22: before, the commit takes its place.
    """
    ref, commit = str(source.ref or ""), str(source.commit or "")
    checked = bool(ref and commit) and build.can(Cap.SOURCE_GIT_CHECKSUM)
    alone = bool(commit and not ref) and build.can(Cap.SOURCE_GIT_FETCH_BY_COMMIT)
    return git(
        source.url,
        ref=ref if checked or alone or not commit else commit,
        subdir=source.subdir,
        checksum=commit if checked or alone else "",
        fetch_by_commit=alone,
        meta=meta,
    )


def bad_url(error: InvalidGitUrl, at: Range | None = None) -> Problems:
    """The user's error for a git URL, which stands at the range `at`."""
    hint = "for example https://github.com/OWNER/REPO.git?branch=main&subdir=DIR"
    return problem("bad-git-url", str(error), hint=hint, at=at)
