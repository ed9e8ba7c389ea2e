"""The exit statuses by which a step tells the frontend why it failed.

A daemon says of a failed step only its command and its status; the step's words go to the user
alone. Scripts of hutch's steps end with these where they know the cause.
"""

from __future__ import annotations

NEEDS_NETWORK = 211
"""A script that has no network wanted it."""

NO_NETWORK = 212
"""A step that has the network could reach nothing there."""

NO_PACKAGE = 213
"""The distribution has no package of a name or version that was asked for."""

BAD_PATCH = 214
"""A patch does not apply to the source."""

UNFIT_PACKAGES = 215
"""Packages of a lock need something that is not there where they are installed."""

WRONG_SOURCE = 216
"""A source tree is not of the system that it is to be built as."""
