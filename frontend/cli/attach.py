"""`hutch attach REF FILE`: a file beside an image, in its repository."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys

from frontend.cli import push
from frontend.cli.options import add_json, value
from frontend.cli.options import parser as make
from frontend.inputs import localfile
from llb.masked import printable

_MOST = 1 << 30
_TYPES = (
    (".spdx.json", "application/spdx+json"),
    (".cdx.json", "application/vnd.cyclonedx+json"),
    (".json", "application/json"),
    (".txt", "text/plain"),
)
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_TYPE = "application/octet-stream"


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "attach",
        """
        A signature, a report, a recording: whoever has the image finds the file by it (OCI's
        referrers), and the image stays as it was. Without FILE, what is attached is listed.
        """,
        examples=(
            "hutch attach registry.example/hello:1 report.spdx.json",
            "hutch attach --json registry.example/hello:1",
        ),
        statuses={1: "it cannot be read or written"},
    )
    made.add_argument("ref", metavar="REF", help="the image")
    made.add_argument("file", nargs="?", metavar="FILE", help="the file")
    made.add_argument(
        "--type", type=kind, metavar="TYPE", help="the artifact's type (the file's media type)"
    )
    push.add_plain(made)
    add_json(made)
    return made


@value
def kind(text: str) -> str:
    """A media type (RFC 6838, 4.2)."""
    if not re.fullmatch(rf"{_NAME}/{_NAME}", text):
        raise ValueError(f"'{text}' is no media type: write one as application/spdx+json")
    return text


def run(options: argparse.Namespace) -> int:
    """Attach it, or list."""
    from frontend.images import write
    from frontend.images.registry import Repository

    with Repository(options.ref, plain=options.plain_http) as source:
        if options.file is not None:
            data = localfile.read(options.file, _MOST + 1)
            if len(data) > _MOST:
                raise OSError(f"{options.file} is larger than 1 GiB")
            media_type = next((t for end, t in _TYPES if options.file.endswith(end)), _TYPE)
            target = write.Target(options.ref, plain=options.plain_http)
            digest = write.attach(
                source,
                target,
                os.path.basename(options.file),
                data,
                media_type,
                options.type or media_type,
            )
            name = f"{target.ref.domain}/{target.ref.path}@{digest}"
            print(json.dumps({"name": name, "digest": digest}) if options.json else name)
            return 0
        found = write.attached(source)
    if options.json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return 0
    for entry in found:
        title = (entry.get("annotations") or {}).get(write.TITLE, "")
        print(
            printable(f"{entry.get('digest')}  {entry.get('artifactType', '')}  {title}".rstrip())
        )
    return 0
