"""`hutch completion SHELL`: a script that completes verbs, options, and their values.

The script is made of the verbs' own parsers, so it knows what they know.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import frameworks
from frameworks.runtime import monitors
from frontend import cli, targets
from frontend.cli.build import ALONE
from frontend.cli.options import parser as make

SHELLS = ("bash", "zsh", "fish")

_FILES = frozenset({"FILE", "DIR", "LAYOUT"})
"""Metavars whose values are paths."""

_KNOWN: Mapping[str, tuple[str, ...]] = {
    "--call": ("check", "outline", "schema", "targets"),
    "--monitor": tuple(monitors.TABLE),
    "--platform": ("linux/amd64", "linux/arm64"),
    "--progress": ("auto", "plain", "quiet", "rawjson", "tty"),
    "--target": tuple(targets.DESCRIPTIONS),
    "frameworks NAME": tuple(frameworks.TABLE),
}
"""Values that are offered though a parser takes others, too: of an option, or of a verb's argument.

Other values are nobody's to complete.
"""

_BUILDX = """
    --add-host --allow --annotation --attest --build-arg --build-context --builder --cache-from
    --cache-to --call --cgroup-parent --check --debug --iidfile --label --load --metadata-file
    --network --no-cache --no-cache-filter --output --platform --progress --provenance --pull
    --push --quiet --sbom --secret --shm-size --ssh --tag --target --ulimit -D -o -q -t
""".split()
"""Options of `docker buildx build`, which `hutch build` hands on (buildx 0.29)."""

_RUN = "RUN-OPTION"
"""In the usage of a verb that takes options of `hutch run` after `--`."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a verb: its names, what it does, and its values.

    `values` are those to choose from; `files` says that it takes a path, `takes` that it takes
    anything at all.
    """

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] = ()
    files: bool = False
    takes: bool = False


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "completion",
        examples=(
            "hutch completion bash > /etc/bash_completion.d/hutch",
            "hutch completion zsh > ~/.zfunc/_hutch",
            "hutch completion fish > ~/.config/fish/completions/hutch.fish",
        ),
    )
    made.add_argument("shell", choices=SHELLS, help="the shell")
    return made


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[options.shell](), end="")
    return 0


def described(verb: str, parser: argparse.ArgumentParser) -> Iterator[Option]:
    """The options of a verb, and its arguments as options without a name."""
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        metavar = action.metavar if isinstance(action.metavar, str) else ""
        values = tuple(map(str, action.choices or ()))
        for each in (*action.option_strings, f"{verb} {metavar}"):
            values = values or _KNOWN.get(each, ())
        yield Option(
            names=tuple(action.option_strings),
            help=(action.help or "").partition(";")[0].partition(" (")[0],
            values=values,
            files=metavar in _FILES,
            takes=action.nargs != 0,
        )
    if verb == "build":
        for name in _BUILDX:
            files = name in ("--iidfile", "--metadata-file")
            known = _KNOWN.get(name, ())
            yield Option((name,), "as of docker buildx build", known, files, name not in ALONE)


def _verbs() -> dict[str, list[Option]]:
    return {name: list(described(name, cli.verb(name).parser())) for name in cli.VERBS}


def _running() -> list[str]:
    """The verbs that take options of `hutch run` after `--`."""
    return [name for name in cli.VERBS if _RUN in (cli.verb(name).parser().usage or "")]


def _bash() -> str:
    verbs, values = [], []
    for verb, options in _verbs().items():
        names = [each for option in options for each in option.names]
        words = [value for option in options if not option.names for value in option.values]
        said = f"words={_quoted(' '.join(words))} names={_quoted(' '.join(names))}"
        verbs.append(f"      {verb}) {said} ;;")
        for option in options:
            if not option.names or not option.takes:
                continue
            patterns = "|".join(f"{verb}:{each}" for each in option.names)
            found = "return" if option.files else f"names= words={_quoted(' '.join(option.values))}"
            values.append(f"    {patterns}) {found} ;;")
    return f"""\
# hutch's completion for bash: made by `hutch completion bash`
_hutch() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  local verb=${{COMP_WORDS[1]}} words names within= at
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W '{" ".join(cli.VERBS)} --help --version' -- "$current"))
    return
  fi
  # --option=value: one word, or three where bash breaks words at =
  if [[ $current == = ]]; then
    current=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  elif [[ $current == --*=* ]]; then
    before=${{current%%=*}} within=${{current%%=*}}= current=${{current#*=}}
  fi
  # what follows -- is for hutch run
  case $verb in {"|".join(_running())})
    for ((at = 2; at < COMP_CWORD; at++)); do
      [[ ${{COMP_WORDS[at]}} != -- ]] || verb=run
    done ;;
  esac
  case $verb:$before in
{chr(10).join(values)}
    *) case $verb in
{chr(10).join(verbs)}
    esac ;;
  esac
  [[ $current != -* ]] || words=$names
  COMPREPLY=($(compgen -P "$within" -W "$words" -- "$current"))
}}
complete -o default -F _hutch hutch
"""


def _zsh() -> str:
    listed = "\n".join(f"    {_quoted(f'{name}:{what}')}" for name, what in cli.VERBS.items())
    cases = []
    for name, options in _verbs().items():
        specs = []
        for option in options:
            kind = "_files" if option.files else f"({' '.join(option.values)})"
            kind = kind if option.files or option.values else " "
            if not option.names:
                specs.append(_quoted(f"*:{name}:_files") if kind == " " else _quoted(f"*: :{kind}"))
            for each in option.names:
                what = option.help.replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")
                specs.append(
                    _quoted(f"{each}[{what}]" + (f":value:{kind}" if option.takes else ""))
                )
        lines = " \\\n        ".join(dict.fromkeys(specs))
        cases.append(f"    {name})\n      _arguments -s \\\n        {lines} ;;")
    return f"""\
#compdef hutch
# hutch's completion for zsh: made by `hutch completion zsh`
_hutch() {{
  local -a verbs
  verbs=(
{listed}
  )
  if ((CURRENT == 2)); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  # what follows -- is for hutch run
  case $verb in {"|".join(_running())})
    local at=${{words[(i)--]}}
    if ((at < CURRENT)); then
      verb=run
      shift $((at - 1)) words
      ((CURRENT -= at - 1))
    fi ;;
  esac
  case $verb in
{chr(10).join(cases)}
  esac
}}
if [ "$funcstack[1]" = _hutch ]; then _hutch "$@"; else compdef _hutch hutch; fi
"""


def _fish() -> str:
    lines = ["# hutch's completion for fish: made by `hutch completion fish`"]
    for name, what in cli.VERBS.items():
        lines.append(f"complete -c hutch -f -n __fish_use_subcommand -a {name} -d {_quoted(what)}")
    verbs = _verbs()
    # What follows -- is for hutch run; fish itself takes no word there for an option.
    after = (
        f"__fish_seen_subcommand_from {' '.join(_running())}; and contains -- -- (commandline -opc)"
    )
    names = " ".join(name for option in verbs["run"] for name in option.names)
    lines.append(f"complete -c hutch -n '{after}' -a {_quoted(names)}")
    for name, options in verbs.items():
        seen = f"-n '__fish_seen_subcommand_from {name}'"
        for option in options:
            if not option.names:
                if option.values:
                    lines.append(
                        f"complete -c hutch {seen} -f -a {_quoted(' '.join(option.values))}"
                    )
                continue
            said = []
            for each in option.names:
                said.append(f"-l {each[2:]}" if each.startswith("--") else f"-s {each[1:]}")
            said.append(f"-d {_quoted(option.help)}")
            if option.values:
                said.append(f"-x -a {_quoted(' '.join(option.values))}")
            elif option.takes:
                said.append("-r" if option.files else "-x")
            lines.append(f"complete -c hutch {seen} {' '.join(said)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
