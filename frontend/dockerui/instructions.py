"""The instructions of a Dockerfile: which words are the file's own, and on which lines.

BuildKit's Dockerfile frontend builds the file and says what the image is in the end; whether the
file or its base image said so, and where, only the file's text tells. It is read as BuildKit reads
it (frontend/dockerfile/parser: parser.go, line_parsers.go, directives.go; shell/lex.go).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from frameworks.spec import Text
from llb import Position, Range

_DIRECTIVE = re.compile(r"#\s*(?P<name>[A-Za-z][A-Za-z0-9]*)\s*=\s*(?P<value>.+?)\s*")
_HEREDOC = re.compile(r"(?<!<)\d*<<(?P<chomp>-?)(?P<quote>['\"]?)(?P<word>[^\s<'\"]+)(?P=quote)")
_VARIABLE = re.compile(
    r"\$(?:(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?::(?P<how>[-+?])(?P<word>[^}]*))?\})"
)
_SHELL = ("/bin/sh", "-c")
UNKNOWN = "\ufdd0"
"""What stands in the value of a variable that only a base image could set: no text has it
(a noncharacter of Unicode)."""
_WITH_FROM = frozenset({"COPY", "RUN"})
_FROM = re.compile(r"--(?:from=|mount=(?:[^,\s]+,)*from=)(?P<name>[^,\s]+)")
_WITH_HEREDOC = frozenset({"ADD", "COPY", "RUN"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction: its name in capitals, and the text after it with continued lines joined."""

    name: str
    text: str
    places: tuple[tuple[int, Position], ...] = field(repr=False)
    """Where in the file the pieces of `text` start, by their offset in it."""
    escape: str = "\\"

    def at(self, start: int, end: int) -> Range:
        """The place of `text[start:end]`."""
        return Range(self._position(start), self._position(max(start, end - 1), past=1))

    @property
    def range(self) -> Range:
        """The place of the whole text after the name."""
        return self.at(0, max(1, len(self.text)))

    def words(self) -> Iterator[tuple[int, str]]:
        """The words with their offsets: split at blanks that are neither quoted nor escaped."""
        start, quote, skip = -1, "", False
        for offset, character in enumerate(self.text):
            if skip:
                skip = False
            elif character == self.escape and quote != "'":
                skip = True
                start = offset if start < 0 else start
            elif quote:
                quote = "" if character == quote else quote
            elif character.isspace():
                if start >= 0:
                    yield start, self.text[start:offset]
                start = -1
            else:
                quote = character if character in "'\"" else ""
                start = offset if start < 0 else start
        if start >= 0:
            yield start, self.text[start:]

    def pairs(self) -> Iterator[tuple[int, str, str]]:
        """What LABEL and ENV set: offset, name and value as written, quotes and all."""
        words = list(self.words())
        if words and "=" not in words[0][1]:  # the old form: one name, and the rest of the line
            offset, name = words[0]
            yield offset, name, self.text[offset + len(name) :].strip()
            return
        for offset, word in words:
            name, equals, value = word.partition("=")
            if equals:
                yield offset, name, value

    def _position(self, offset: int, past: int = 0) -> Position:
        first, place = max(
            (each for each in self.places if each[0] <= offset), default=(0, Position(1))
        )
        return Position(place.line, place.character + offset - first + past)


@dataclass(slots=True)
class Stage:
    """What one stage says: its base by name, and its instructions."""

    base: Text
    name: str
    instructions: list[Instruction] = field(default_factory=list)


class Dockerfile:
    """A Dockerfile as text. Whatever is wrong with it, BuildKit's parser says; nothing raises."""

    def __init__(self, data: bytes, args: Mapping[str, str]) -> None:
        """`args` are the values of arguments: the build's own and the platform's."""
        self._args = args
        self._globals: dict[str, str] = {}
        self.stages: list[Stage] = []
        for each in _instructions(data.decode("utf-8", "replace").removeprefix("\ufeff")):
            if each.name == "FROM":
                self._start(each)
            elif self.stages:
                self.stages[-1].instructions.append(each)
            elif each.name == "ARG":
                self._declare(each, self._globals, {})

    def chain(self, target: str) -> list[Stage]:
        """The stages that the image of `target` ("": the last) consists of, its base first."""
        wanted = target.lower()
        number = len(self.stages) - 1
        if wanted:
            named = [n for n, stage in enumerate(self.stages) if stage.name == wanted]
            if not named and wanted.isdigit() and int(wanted) < len(self.stages):
                named = [int(wanted)]
            number = named[-1] if named else -1
        found: list[Stage] = []
        while number >= 0:
            stage = self.stages[number]
            found.insert(0, stage)
            before = [n for n in range(number) if self.stages[n].name == stage.base.lower()]
            number = before[-1] if stage.base and before else -1
        return found

    def bases(self) -> list[Text]:
        """The images that stages start from, each once."""
        names = {stage.name for stage in self.stages if stage.name}
        found: dict[str, Text] = {}
        for stage in self.stages:
            if stage.base and stage.base != "scratch" and stage.base.lower() not in names:
                found.setdefault(str(stage.base), stage.base)
        return list(found.values())

    def images(self) -> list[Text]:
        """All images that it names: those, and what files are copied or mounted from.

        Where a variable of an instruction's is in the name, only BuildKit knows which it is.
        """
        found = {str(base): base for base in self.bases()}
        names = {stage.name for stage in self.stages if stage.name}
        for stage in self.stages:
            for each in stage.instructions:
                for offset, word in each.words() if each.name in _WITH_FROM else ():
                    if (said := _FROM.match(word)) is None:
                        continue
                    name = said["name"]
                    if "$" in name or name.isdigit() or name.lower() in (*names, "scratch"):
                        continue
                    start = offset + said.start("name")
                    found.setdefault(name, Text(name, each.at(start, start + len(name))))
        return list(found.values())

    def labels(self, target: str, env: Mapping[str, str]) -> dict[Text, Text]:
        """The labels that the stages of `target` set, with their values and places.

        `env` is the environment of the image, for variables that its base brings.
        """
        found: dict[str, tuple[Text, Text]] = {}
        for stage in self.chain(target):
            values: dict[str, str] = {}
            for each in stage.instructions:
                if each.name == "ARG":
                    self._declare(each, values, {**env, **values})
                elif each.name == "ENV":
                    known = {**env, **values}
                    for _, name, value in each.pairs():
                        values[_expand(name, known, each.escape)] = _expand(
                            value, known, each.escape
                        )
                elif each.name == "LABEL":
                    known = {**env, **values}
                    for offset, name, value in each.pairs():
                        at = each.at(offset, offset + len(name))
                        label = _expand(name, known, each.escape)
                        said = _expand(value, known, each.escape)
                        found[label] = Text(label, at), Text(said, at)
        return dict(found.values())

    def process(self, target: str) -> dict[str, Any]:
        """The fields of an image's config that the stages of `target` set, without their base.

        A label or variable that takes a variable of the base image has `UNKNOWN` in it, as all
        variables have that the base may set; a user or directory that does is left out. Which
        fields there are: `Env`, `Labels`, and those of the process.
        """
        chain = self.chain(target)
        env: dict[str, str] = {}
        if self.has_base(target):
            text = "\n".join(each.text for stage in chain for each in stage.instructions)
            found = _VARIABLE.finditer(text)
            env = {each["bare"] or each["name"]: UNKNOWN for each in found}
        config: dict[str, Any] = {}
        shell: Sequence[str] = _SHELL
        for stage in chain:
            args: dict[str, str] = {}
            has_cmd = False
            for each in stage.instructions:
                known = {**env, **args}
                match each.name:
                    case "ARG":
                        self._declare(each, args, known)
                    case "ENV":
                        for _, name, value in each.pairs():
                            key = _expand(name, known, each.escape)
                            env[key] = _expand(value, known, each.escape)
                            args.pop(key, None)
                    case "USER":
                        config["User"] = _expand(each.text, known, each.escape)
                    case "WORKDIR":
                        folder = _expand(each.text, known, each.escape)
                        before = config.get("WorkingDir", "/")
                        config["WorkingDir"] = posixpath.normpath(posixpath.join(before, folder))
                    case "SHELL":
                        shell = _listed(each.text) or shell
                    case "CMD":
                        has_cmd = True
                        config["Cmd"] = _command(each.text, shell)
                    case "ENTRYPOINT":
                        config["Entrypoint"] = _command(each.text, shell)
                        if not has_cmd:
                            config.pop("Cmd", None)
        for name in ("User", "WorkingDir"):
            if UNKNOWN in config.get(name, ""):
                del config[name]
        config["Env"] = [f"{name}={value}" for name, value in env.items()]
        labels = self.labels(target, env)
        config["Labels"] = {str(name): str(value) for name, value in labels.items()}
        return config

    def has_base(self, target: str) -> bool:
        """Whether the image of `target` starts from an image, which may have said things before."""
        chain = self.chain(target)
        return bool(chain) and chain[0].base != "scratch"

    def place(self, target: str, name: str) -> Range | None:
        """Where the last instruction `name` of the stages of `target` stands; None for none."""
        found = [i for stage in self.chain(target) for i in stage.instructions if i.name == name]
        return found[-1].range if found else None

    def _start(self, each: Instruction) -> None:
        words = [word for word in each.words() if not word[1].startswith("--")]
        known = {**self._args, **self._globals}
        offset, base = words[0] if words else (0, "")
        name = words[2][1].lower() if len(words) > 2 and words[1][1].lower() == "as" else ""
        at = each.at(offset, offset + len(base))
        self.stages.append(Stage(Text(_expand(base, known, each.escape), at), name))

    def _declare(self, each: Instruction, into: dict[str, str], known: Mapping[str, str]) -> None:
        for _, word in each.words():
            name, equals, default = word.partition("=")
            if name in self._args:
                into[name] = self._args[name]
            elif equals:
                into[name] = _expand(default, {**known, **into}, each.escape)
            elif name in self._globals:
                into[name] = self._globals[name]


def _instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a file, in order, without comments and here-documents."""
    lines = text.split("\n")
    escape = _escape(lines)
    continued = re.compile(rf"(?:^|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*$")
    number = 0
    while number < len(lines):
        pieces: list[str] = []
        places: list[tuple[int, Position]] = []
        length, first = 0, number
        while number < len(lines):
            line = lines[number].rstrip("\r")
            number += 1
            if line.lstrip().startswith("#") or (pieces and not line.strip()):
                continue
            start = 0 if pieces else len(line) - len(line.lstrip())
            ended = continued.search(line, start)
            piece = line[start : ended.start() if ended else len(line)]
            places.append((length, Position(number, start)))
            pieces.append(piece)
            length += len(piece)
            if not ended:
                break
        joined = "".join(pieces)
        word = re.match(r"[A-Za-z]+", joined)
        if word is None:
            number = max(number, first + 1)
            continue
        name = word[0].upper()
        skipped = word.end() + len(joined[word.end() :]) - len(joined[word.end() :].lstrip())
        found = Instruction(name, joined[skipped:].rstrip(), _shifted(places, skipped), escape)
        if name in _WITH_HEREDOC:
            for document in _HEREDOC.finditer(found.text):
                end = document["word"]
                while number < len(lines):
                    line = lines[number].rstrip("\r")
                    number += 1
                    if (line.lstrip("\t") if document["chomp"] else line) == end:
                        break
        yield found


def _listed(text: str) -> list[str] | None:
    """The words of the JSON form of a command; None for another form."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    words = isinstance(found, list) and all(isinstance(each, str) for each in found)
    return found if words else None


def _command(text: str, shell: Sequence[str]) -> list[str]:
    words = _listed(text)
    return [*shell, text] if words is None else words


def _shifted(places: list[tuple[int, Position]], by: int) -> tuple[tuple[int, Position], ...]:
    """The places of a text that lost its first `by` characters."""
    moved = []
    for number, (offset, place) in enumerate(places):
        after = places[number + 1][0] if number + 1 < len(places) else None
        if after is not None and after <= by:
            continue
        lost = max(0, by - offset)
        moved.append((max(0, offset - by), Position(place.line, place.character + lost)))
    return tuple(moved)


def _escape(lines: list[str]) -> str:
    for line in lines:
        found = _DIRECTIVE.fullmatch(line.strip())
        if found is None:
            break
        if found["name"].lower() == "escape":
            return "`" if found["value"] == "`" else "\\"
    return "\\"


def _expand(word: str, known: Mapping[str, str], escape: str = "\\") -> str:
    """A word without its quotes, and with the variables in it filled in ("" for unknown ones)."""
    out: list[str] = []
    at, quote = 0, ""
    while at < len(word):
        character = word[at]
        if quote == "'":
            if character == "'":
                quote = ""
            else:
                out.append(character)
        elif character == escape and at + 1 < len(word):
            following = word[at + 1]
            if quote and following not in ('"', "$", escape):
                out.append(character)
            out.append(following)
            at += 1
        elif character == quote or (not quote and character in "'\""):
            quote = "" if quote else character
        elif character == "$" and (found := _VARIABLE.match(word, at)):
            out.append(_value(found, known, escape))
            at = found.end() - 1
        else:
            out.append(character)
        at += 1
    return "".join(out)


def _value(found: re.Match[str], known: Mapping[str, str], escape: str) -> str:
    value = known.get(found["bare"] or found["name"], "")
    if found["how"] == "-":
        return value or _expand(found["word"], known, escape)
    if found["how"] == "+":
        return _expand(found["word"], known, escape) if value else ""
    return value
