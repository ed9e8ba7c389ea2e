"""`hutch attach REF FILE`: a file beside an image, in its repository."""

from __future__ import annotations

import argparse
import json
import os
import sys

from frontend.cli import push
from frontend.cli.options import add_json
from frontend.cli.options import parser as make
from frontend.inputs import localfile

_MOST = 1 << 30
_TYPES = (
    (".spdx.json", "application/spdx+json"),
    (".cdx.json", "application/vnd.cyclonedx+json"),
    (".json", "application/json"),
    (".txt", "text/plain"),
)
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
    made.add_argument("--type", metavar="TYPE", help="the artifact's type (the file's media type)")
    push.add_plain(made)
    add_json(made)
    return made


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
            print(f"{target.ref.domain}/{target.ref.path}@{digest}")
            return 0
        found = write.attached(source)
    if options.json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return 0
    for entry in found:
        print(f"{entry.get('digest')}  {entry.get('artifactType', '')}")
    return 0
