"""The services of docs/applications.md: its files as they stand there, and projects for them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.harness.programs import PROGRAMS
from tests.places import ROOT

PAGE = ROOT / "docs" / "applications.md"

_FILE = re.compile(r"^```(yaml|dockerfile)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SYNTAX = "# syntax="


@dataclass(frozen=True, slots=True)
class Service:
    """One heading of the page.

    `project` is a folder of `programs/services` with what a user has already, "" for none; `port`
    is where the guest answers, `says` a pattern of what.
    """

    heading: str
    project: str
    port: int
    says: str


SERVICES: Mapping[str, Service] = {
    "go": Service("Go", "go", 8080, "hello from Go on linux/amd64"),
    "rust": Service("Rust", "rust", 8080, "hello from Rust on linux/x86_64"),
    "c": Service("C, with make", "c", 8080, "hello from C on Linux/x86_64"),
    "cmake": Service("C or C++, with CMake", "cmake", 8080, r"hello from C\+\+ on Linux/x86_64"),
    "python": Service("Python", "python", 8000, r"hello from Python\.\S+ on Linux/x86_64"),
    "node": Service("Node", "node", 3000, "hello from Node on linux/x64, 172800000 ms"),
    "nginx": Service("nginx", "nginx", 80, "<p>hello from nginx</p>"),
    "packages": Service("Packages of the guest's distribution", "", 80, "Welcome to nginx!"),
}


def headings() -> set[str]:
    """The page's headings that have a whole bunnyfile below them."""
    return {heading for heading, text in _sections() if "bunnyfile" in _files(text)}


def files(heading: str) -> dict[str, str]:
    """The files below a heading, as a user copies them: `bunnyfile`, and its `Dockerfile`."""
    (text,) = [text for name, text in _sections() if name == heading]
    return _files(text)


def project(service: Service, folder: Path) -> str:
    """Put the project and the page's files into `folder`; the bunnyfile, without hutch's name."""
    if service.project:
        shutil.copytree(PROGRAMS / "services" / service.project, folder, dirs_exist_ok=True)
    found = files(service.heading)
    for name, content in found.items():
        (folder / name).write_text(content)
    return found["bunnyfile"].partition("\n")[2]


def trusted(folder: Path) -> tuple[str, ...]:
    """Options of a build where a company's proxy signs in the place of package indexes.

    `app.fetch` is told whom to trust by the secret `ca` (docs/flags.md); a `RUN` of a Dockerfile
    that asks an index has to say it itself, as it has to there.
    """
    bundle = os.environ.get("HUTCH_CA_BUNDLE")
    if not bundle:
        return ()
    if (file := folder / "Dockerfile").exists():
        told = "RUN --mount=type=secret,id=ca PIP_CERT=/run/secrets/ca pip install"
        file.write_text(file.read_text().replace("RUN pip install", told))
    return ("--secret", f"id=ca,src={bundle}")


def _sections() -> list[tuple[str, str]]:
    """Each heading with the text up to the next."""
    parts = re.split(r"^#{2,4} (.*)$", PAGE.read_text(), flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _files(text: str) -> dict[str, str]:
    found = {}
    for kind, content in _FILE.findall(text):
        name = "bunnyfile" if kind == "yaml" else "Dockerfile"
        if name not in found and (kind == "dockerfile" or content.startswith(_SYNTAX)):
            found[name] = content
    return found
