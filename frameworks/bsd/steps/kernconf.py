"""Write the configuration of a BSD kernel, and say what of it the source tree does not know.

Runs in hutch's own image, as steps of the build.

    python3 -m frameworks.bsd.steps.kernconf write REQUEST --source TREE --out DIR
    python3 -m frameworks.bsd.steps.kernconf require DIR/report.json --config DIR/HUTCH --out OTHER

REQUEST is a JSON object:

    system     "netbsd" or "freebsd"
    machine    the system's name of the architecture ("amd64")
    marker     a file that is at the top of every tree
    directory  where the tree keeps the configurations of this architecture, the first that exists
    base       a configuration of the tree ("MICROVM"), or null
    file       a configuration to use instead, or null: a path in this step
    fragments  files to add after it, in order
    options    [[name, value], ...]: true, false, a number or a text without control characters

`write` leaves DIR/HUTCH, which includes the base and puts the rest after it, and DIR/report.json:
a list of objects with `option` ("" for the base), `wanted`, `reason` ("unknown", "no-config",
"no-tree", "code") and `nearest`, the names that look like it. What make or a shell would run of a
user's file is of the reason "code" (see `code`): `option` is the file's place among the files,
"0" for `file`, `wanted` the number of the line. `require` prints them and ends with 3 if
there are any, else it copies the configuration. Two steps, so that the report can be read after a
failure.

A line of a fragment that ends in `# if PATH` counts only when the tree has PATH: options differ
from release to release.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from frameworks.bsd.kernconf import Finding, code, read_report

NAME = "HUTCH"
_CONDITION = re.compile(r"\s*# if (\S+)\s*$")
_DEFINES = re.compile(r"^(?:obsolete\s+)?(def(?:flag|param|opt|fs))\s+(.*)$")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INCLUDES = {
    # FreeBSD's are names of the same directory or of sys/conf; NetBSD's are paths: it checks them.
    "freebsd": re.compile(r'^include\s+"?([A-Z][A-Za-z0-9_-]*)"?\s*(?:#.*)?$', re.MULTILINE),
    "netbsd": re.compile(r"(?!)"),
}
_QUOTED = re.compile(r'"[^"]*"')
_ALWAYS = {"netbsd": {"DEBUG", "DIAGNOSTIC", "LOCKDEBUG"}, "freebsd": set[str]()}


def netbsd_options(source: Path) -> dict[str, str]:
    """The options of a NetBSD tree: name -> the word that declares it (`defflag`, `deffs`, ...)."""
    found: dict[str, str] = {}
    for path in [*sorted((source / "sys").rglob("files.*")), source / "sys/conf/files"]:
        if not path.is_file() or path.suffix in (".c", ".h"):
            continue
        for line in _logical_lines(path.read_text(encoding="latin-1")):
            match = _DEFINES.match(line)
            if not match:
                continue
            words = match[2].split(":")[0].split()
            if words and words[0].endswith(".h"):
                words = words[1:]
            for word in words:
                name = _WORD.match(word)
                if name:
                    found[name[0]] = match[1]
    return found


def freebsd_options(source: Path, machine: str) -> dict[str, str]:
    """The options of a FreeBSD tree: the first words of sys/conf/options and options.MACHINE."""
    found: dict[str, str] = {}
    for name in ("options", f"options.{machine}"):
        path = source / "sys/conf" / name
        if not path.is_file():
            continue
        for line in path.read_text(encoding="latin-1").splitlines():
            word = _WORD.match(line)
            if word:
                found[word[0]] = "option"
    return found


def _logical_lines(text: str) -> list[str]:
    """Lines without comments, each with those that continue it: they begin with a blank."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].rstrip().rstrip("\\")
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return lines


def code_lines(text: str) -> list[int]:
    """The numbers of a file's lines that have code outside comments, from 1."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        # A '#' in quotes begins no comment.
        masked = _QUOTED.sub(lambda quoted: quoted[0].replace("#", "."), line)
        if code(masked.split("#", 1)[0]):
            found.append(number)
    return found


def _value(value: Any) -> str:
    """The part after the name: numbers as they are, texts in quotes."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'="{escaped}"' if not re.fullmatch(r"[A-Za-z0-9_.]+", value) else f"={value}"
    return f"={value}"


def option_lines(system: str, name: str, value: Any, kind: str) -> list[str]:
    """The configuration lines that make `name` what is asked for, whatever the base says."""
    if system == "freebsd":
        lines = [f"nooptions\t{name}"]
        if value is not False:
            lines.append(f"options \t{name}" + ("" if value is True else _value(value)))
        return lines
    word = "file-system" if kind == "deffs" else "options"
    lines = [f"no {word}\t{name}"]
    if value is not False:
        lines.append(f"{word} \t{name}" + ("" if value is True else _value(value)))
    return lines


def conditional(text: str, source: Path) -> str:
    """A fragment's text without the lines whose condition does not hold in this tree."""
    kept = []
    for line in text.splitlines():
        match = _CONDITION.search(line)
        if match is None:
            kept.append(line)
        elif (source / match[1]).exists():
            kept.append(line[: match.start()])
    return "".join(f"{line}\n" for line in kept)


def base_line(system: str, directory: Path, source: Path, name: str) -> str:
    """The line that includes a configuration of the tree."""
    if system == "freebsd":
        return f"include \t{name}"
    return f'include \t"{(directory / name).relative_to(source / "sys")}"'


def compose(request: dict[str, Any], source: Path) -> tuple[str, list[Finding]]:
    """The configuration's text, and what of it the tree does not know."""
    system = request["system"]
    findings = []
    candidates = [source / name for name in request["directory"]]
    directory = next((path for path in candidates if path.is_dir()), None)
    lines = [f"# Written by hutch for {system}."]
    if not (source / request["marker"]).is_file():
        return "", [Finding("", request["marker"], "no-tree")]
    if directory is None:
        return "", [Finding("", request["directory"][0], "no-tree")]
    if request["file"]:
        raw = Path(request["file"]).read_text(encoding="utf-8")
        findings += [Finding("0", str(number), "code") for number in code_lines(raw)]
        text = conditional(raw, source)
        lines += text.splitlines()
        included = _INCLUDES[system].findall(text)
    else:
        included = [request["base"]]
        lines.append(base_line(system, directory, source, request["base"]))
    known = sorted(path.name for path in directory.iterdir() if path.is_file())
    for name in included:
        if name not in known and not (directory / name).is_file():
            nearest = difflib.get_close_matches(name, known, 2)
            findings.append(Finding("", name, "no-config", tuple(nearest)))
    for index, fragment in enumerate(request["fragments"], 1):
        text = Path(fragment).read_text(encoding="utf-8")
        findings += [Finding(str(index), str(number), "code") for number in code_lines(text)]
        lines += conditional(text, source).splitlines()
    if system == "freebsd":
        lines.append(f"ident   \t{NAME}")
    known_options: dict[str, str] = {}
    if request["options"]:
        known_options = (
            netbsd_options(source)
            if system == "netbsd"
            else freebsd_options(source, request["machine"])
        )
    for name, value in request["options"]:
        if name not in known_options and name not in _ALWAYS[system]:
            nearest = difflib.get_close_matches(name, known_options, 2)
            findings.append(Finding(name, json.dumps(value), "unknown", tuple(nearest)))
        lines += option_lines(system, name, value, known_options.get(name, ""))
    return "".join(f"{line}\n" for line in lines), findings


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments say; 3 is for something that the tree does not know."""
    parser = argparse.ArgumentParser(prog="kernconf", description="Configure a BSD kernel.")
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write")
    write.add_argument("request", type=Path)
    write.add_argument("--source", type=Path, required=True)
    write.add_argument("--out", type=Path, required=True)
    require = commands.add_parser("require")
    require.add_argument("report", type=Path)
    require.add_argument("--config", type=Path, required=True)
    require.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    if options.command == "require":
        findings = read_report(options.report.read_bytes())
        for found in findings:
            print(f"hutch: {found}", file=sys.stderr)
        if findings:
            return 3
        (options.out / NAME).write_bytes(options.config.read_bytes())
        return 0
    request = json.loads(options.request.read_text(encoding="utf-8"))
    text, findings = compose(request, options.source)
    (options.out / NAME).write_text(text, encoding="utf-8")
    report = json.dumps([asdict(found) for found in findings], indent=1)
    (options.out / "report.json").write_text(report + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
