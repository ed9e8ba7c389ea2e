"""Run a command that compiles, and say how far it is in place of a line for each object:

    progress.py WHAT FORM LIST COMMAND...

WHAT is what is made ("kernel"); FORM, of `FORMS`, is how the build tells of an object. LIST says
which objects there will be: `-` is standard input, what a dry run of the command prints, read
before the command starts; else it is a file that the command itself writes before its first object.
Where it names none, the line has no total.

All else that the command prints is passed on as it comes. Its status is this program's: 128 and the
signal's number where one ended it, as a shell has it.

It runs in the image that compiles, whichever that is: in Python from 3.9 on, without other modules
of hutch's.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

EVERY = 3.0
"""Seconds from one line to the next."""

_KBUILD = rb"  (?:CC|AS|RUSTC)(?: \[[A-Z]+\])? +([^\s']+\.o)"
_UNIKRAFT = rb"(?:CC|CXX|AS|ASM)"


def _unknown(text: bytes) -> Iterator[bytes]:
    """No names: what a build that cannot list its objects has."""
    yield from ()


@dataclass(frozen=True)
class Form:
    """How a build tells of its objects."""

    line: re.Pattern[bytes]
    """The whole line of an object; the group that is found is the object's name."""
    listed: Callable[[bytes], Iterator[bytes]] = _unknown
    """The names in a list, written as in `line`."""
    quiet: re.Pattern[bytes] | None = None
    """Whole lines that come once for each few objects, and say no more."""


def _of_make(pattern: bytes) -> Callable[[bytes], Iterator[bytes]]:
    """What finds names in a dry run of make's, which prints the commands that would say them."""

    def listed(text: bytes) -> Iterator[bytes]:
        return (b"".join(found.groups()) for found in re.finditer(pattern, text))

    return listed


def _of_config(text: bytes) -> Iterator[bytes]:
    """The objects of the makefile that a BSD's config(8) writes."""
    block = re.search(rb"^OBJS=((?:.*\\\n)*.*)", text, re.MULTILINE)
    return (found[1] for found in re.finditer(rb"([^\s\\]+)\.o\b", block[1] if block else b""))


FORMS = {
    # Linux, scripts/Kbuild.include: a dry run prints `echo '  CC      init/main.o';`.
    "kbuild": Form(
        re.compile(_KBUILD), _of_make(rb"echo '" + _KBUILD + b"'"), re.compile(rb"  AR +\S+\.a")
    ),
    # Unikraft, support/build/Makefile.rules: `printf '  %-7s %s\n' 'CC'  'libx: file.o'`.
    "unikraft": Form(
        re.compile(rb"  " + _UNIKRAFT + rb" +(\S+: \S+\.o)"),
        _of_make(rb"'" + _UNIKRAFT + rb"' +'([^']+\.o)'"),
    ),
    # NetBSD, sys/conf/Makefile.kern.inc: the last folder's name and the object's.
    "netbsd": Form(re.compile(rb"#? *compile +[^\s/]+/(\S+)\.o"), _of_config),
    # Rumprun's NetBSD, share/mk/bsd.own.mk, of many directories: the last folder's name and the
    # object's, below MAKEVERBOSE=1; the names of targets and directories come between.
    "rumprun": Form(
        re.compile(rb" +compile +(\S+/\S+\.\w*o)"),
        quiet=re.compile(
            rb" +(?:build|compile|create|format|install|lex|link|objdir|remove|symlink|yacc) +\S+"
            rb"|[\w-]+ ===> .*"
        ),
    ),
    # FreeBSD, sys/conf/kern.pre.mk: bmake's line for a job, and the compiler's call, which has the
    # object's name or the source's. bmake passes on a call of more than 1024 bytes in parts, and
    # another job's line may come between.
    "freebsd": Form(
        re.compile(
            rb".*--- (\S+)\.o ---"
            rb"|(?:(?=.* -o (\S+)\.o )|)(?:[^;]*; *)?(?:\S*/)?(?:clang|gcc|cc)[\w.+-]* "
            rb"(?:.* )?-c (?:.* )?(?:\S*/)?([^\s/]+)\.[cSs](?: .*)?"
        ),
        _of_config,
        re.compile(rb".* -W[\w=-]+(?: .*)? -W[\w=-]+(?: .*)?|--- \S+\.[ch] ---|awk -f \S+\.awk .*"),
    ),
}


@dataclass
class Progress:
    """How many objects there are, and of how many, for lines of output in their order."""

    what: str
    form: Form
    listed: frozenset[bytes] = frozenset()
    """The objects that are known beforehand; none if no list is. Others add to the total."""
    every: float = EVERY
    clock: Callable[[], float] = time.monotonic
    _made: set[bytes] = field(default_factory=set)
    _said: int = 0
    _next: float = 0.0

    def shown(self, line: bytes) -> Iterator[bytes]:
        """What is printed for a line of the command's: itself, or how far it is, or nothing."""
        found = self.form.line.fullmatch(line.rstrip())
        if found is None:
            if self.form.quiet is None or not self.form.quiet.fullmatch(line.rstrip()):
                yield line
            return
        self._made.add(next(filter(None, found.groups())))
        now = self.clock()
        if now >= self._next:
            self._next = now + self.every
            yield from self.last()

    def last(self) -> Iterator[bytes]:
        """How far it is, if that was not said."""
        if len(self._made) > self._said:
            self._said = len(self._made)
            total = len(self.listed | self._made)
            of = f" of {total}" if self.listed else ""
            yield f"{self.what}: {self._said}{of} object{'' if total == 1 else 's'}\n".encode()


def main(arguments: list[str]) -> int:
    """Run the command; returns the status to end with."""
    what, form, source, *command = arguments
    known = FORMS[form]
    progress = Progress(what, known)
    if source == "-":
        progress.listed = frozenset(known.listed(sys.stdin.buffer.read()))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    for line in process.stdout:
        if source != "-" and known.line.fullmatch(line.rstrip()):
            progress.listed = _names(known, source)
            source = "-"
        for shown in progress.shown(line):
            _print(shown)
    for shown in progress.last():
        _print(shown)
    status = process.wait()
    return status if status >= 0 else 128 - status


def _names(form: Form, path: str) -> frozenset[bytes]:
    """The names in the list at `path`; none if there is no such file."""
    try:
        with open(path, "rb") as file:
            return frozenset(form.listed(file.read()))
    except FileNotFoundError:
        return frozenset()


def _print(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
