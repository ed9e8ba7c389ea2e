#!/usr/bin/env python3
"""What action.yml runs: `check`, `boot` or `build`, with its inputs in HUTCH_... variables.

`check` prints findings as annotations of GitHub's (`::warning file=...,line=...::`).
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

HUTCH = Path(__file__).resolve().parents[1]


def given(name: str) -> str:
    return os.environ.get(f"HUTCH_{name}", "").strip()


def buildx(*more: str) -> list[str]:
    """The command line of a build, with the inputs that every step has."""
    command = ["docker", "buildx", "build", "--file", given("FILE") or "bunnyfile"]
    if given("FRONTEND"):
        command.append(f"--build-arg=BUILDKIT_SYNTAX={given('FRONTEND')}")
    for line in filter(None, map(str.strip, given("BUILD_ARGS").splitlines())):
        command.append(f"--build-arg={line}")
    if given("CACHE"):
        command.append(f"--cache-from=type=registry,ref={given('CACHE')}")
    return [*command, *more, given("CONTEXT") or "."]


def escaped(text: str, *, value: bool = False) -> str:
    """A text in a workflow command: GitHub's own escapes, more of them for a property's value."""
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if value else text


def annotation(kind: str, title: str, message: str, found: dict[str, Any]) -> str:
    ranges = (found.get("location") or {}).get("ranges") or [{}]
    line = ranges[0].get("start", {}).get("line", 1)
    file = escaped(given("FILE") or "bunnyfile", value=True)
    return (
        f"::{kind} file={file},line={line},title={escaped(title, value=True)}::{escaped(message)}"
    )


def annotations(answer: dict[str, Any]) -> list[str]:
    """The findings of `--call=check,format=json`, as GitHub shows them at their lines."""
    lines = []
    for found in answer.get("warnings") or ():
        page = found.get("url", "")
        more = f"\n{page}" if page.startswith("http") else ""
        lines.append(annotation("warning", found["ruleName"], found["detail"] + more, found))
    if wrong := answer.get("buildError"):
        lines.append(annotation("error", "hutch", wrong["message"], wrong))
    return lines


def check() -> int:
    platforms = (f"--platform={given('PLATFORMS')}",) if given("PLATFORMS") else ()
    done = subprocess.run(
        buildx("--call=check,format=json", *platforms), stdout=subprocess.PIPE, text=True
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        print(done.stdout)
        return done.returncode or 1
    print("\n".join(annotations(answer)))
    return int(
        bool(answer.get("buildError")) or (bool(answer.get("warnings")) and is_strict(answer))
    )


def is_strict(answer: dict[str, Any]) -> bool:
    """Whether the file says that findings are errors: buildx's status is 1 with any of them."""
    for source in answer.get("sources") or ():
        text = base64.b64decode(source["data"]).decode(errors="replace")
        for line in itertools.takewhile(lambda each: each.startswith("#"), text.splitlines()):
            if re.match(r"#\s*check\s*=(.*;)?\s*error\s*=\s*true\b", line, re.IGNORECASE):
                return True
    return False


def build() -> int:
    more = [f"--tag={given('IMAGE')}"]
    if given("PLATFORMS"):
        more.append(f"--platform={given('PLATFORMS')}")
    if given("PUSH") == "true":
        more.append("--push")
        if given("CACHE"):
            more.append(f"--cache-to=type=registry,ref={given('CACHE')},mode=max")
    return subprocess.run(buildx(*more)).returncode


def provide_qemu() -> None:
    """Install what runs the guest, which GitHub's runners do not have: QEMU for this machine's
    architecture, as Debian and Ubuntu package it."""
    machine = platform.machine()
    if shutil.which(f"qemu-system-{machine}"):
        return
    package = {"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm"}[machine]
    root = () if os.geteuid() == 0 else ("sudo",)
    subprocess.run((*root, "apt-get", "update", "-q"), check=True, stdout=subprocess.DEVNULL)
    install = ("apt-get", "install", "-y", "-q", "--no-install-recommends", package)
    subprocess.run((*root, *install), check=True, stdout=subprocess.DEVNULL)


def boot() -> int:
    """Build for this machine, boot, and wait for the text."""
    done = subprocess.run(buildx(f"--tag={given('IMAGE')}", "--load"))
    if done.returncode:
        return done.returncode
    provide_qemu()
    venv = Path(os.environ.get("RUNNER_TEMP", "/tmp")) / "hutch"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([venv / "bin/pip", "install", "--quiet", HUTCH], check=True)
    command = [venv / "bin/hutch", "run", "--timeout", given("TIMEOUT") or "120", given("IMAGE")]
    guest = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace")
    assert guest.stdout
    for line in guest.stdout:
        print(line, end="", flush=True)
        if given("BOOT") in line:
            guest.terminate()
            threading.Thread(target=guest.stdout.read, daemon=True).start()
            guest.wait()
            return 0
    print(annotation("error", "hutch", f"the guest did not print {given('BOOT')!r}", {}))
    return 1


if __name__ == "__main__":
    sys.exit({"check": check, "boot": boot, "build": build}[sys.argv[1]]())
