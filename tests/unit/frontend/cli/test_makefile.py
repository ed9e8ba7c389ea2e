"""What a Makefile's first target leaves is read from its text."""

from __future__ import annotations

import pytest

from frontend.cli.makefile import program


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("all:\n\t$(CC) -O2 -o bin/tool tool.c\n", "bin/tool"),
        ("tool: tool.c\n\t$(CC) -o $@ tool.c\n", "tool"),
        ("all: tool\ntool: tool.o\n\t$(CC) $(LDFLAGS) $^ -o $(@)\n", "tool"),
        ("all: tool\ntool: tool.o\n\t$(CC) $^ -o ${@}\n", "tool"),
        # An object file is none, wherever it comes.
        (
            "server.o: server.c\n\t$(CC) -c -o server.o server.c\n"
            "server: server.o\n\t$(CC) -o server server.o\n",
            "server",
        ),
        (
            "all: server\nserver.o: server.c\n\t$(CC) -c -o server.o server.c\n"
            "server: server.o\n\t$(CC) -o server server.o\n",
            "server",
        ),
        ("%.o: %.c\n\t$(CC) -c $< -o $@\nserver: a.o b.o\n\t$(CC) -o $@ $^\n", "server"),
        # Variables, also those that are set later, and lines that go on.
        (
            "BIN = $(OUT)/tool\nOUT := out\n.PHONY: all\nall: $(BIN)\n"
            "$(BIN): a.o \\\n  b.o\n\t$(CC) $^ \\\n\t  -o $@\n",
            "out/tool",
        ),
        ("NAME ?= tool\nall: $(NAME)\n$(NAME): tool.c\n\tcc -o $@ $<\n", "tool"),
        ("A = x\nA += y\n$(A):\n\ttrue\nx: m.c\n\t$(CC) -o $@ m.c\n", "x"),
        # Make's own rules link it.
        ("server: server.o util.o\n", "server"),
        ("all: server\n", None),
        (".DEFAULT_GOAL := all\nclean:\n\trm -f x\nall:\n\t$(CC) -o x x.c\n", "x"),
        ("all:\n\t@$(CC) main.c\n", "a.out"),
        ("all: libx.so\nlibx.so: x.c\n\t$(CC) -shared -o $@ $<\n", None),
        ("build:\n\tgo build -o bin/app ./cmd/app\n", "bin/app"),
        # What is outside, or what only make knows, is not said.
        ("all:\n\t$(CC) -o /usr/bin/x x.c\n", None),
        ("all:\n\t$(CC) -o ../x x.c\n", None),
        ("all:\n\t$(CC) -o $(shell uname) x.c\n", None),
        ("A = $(A)\nall: $(A)\n\t$(CC) -o $(A) x.c\n", None),
        ("all: a\na: b\nb: a\n", None),
        (
            "".join(f"A{n} = {f'$(A{n + 1})' * 99}\n" for n in range(99))
            + "all:\n\t$(CC) -o $(A0) x.c\n",
            None,
        ),
        ("", None),
        ("\t$(CC) -o x x.c\n", None),
    ],
)
def test_what_it_leaves(text: str, file: str | None) -> None:
    assert program(text).file == file


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("server: m.c\n\t$(CC) -o $@ m.c\n", ""),
        ("m.o: m.c\n\t$(CC) -c -o m.o m.c\nserver: m.o\n\t$(CC) -o server m.o\n", "server"),
        ("clean:\n\trm x\nx: x.c\n\t$(CC) -o $@ x.c\nall: x\n", "all"),
    ],
)
def test_the_target_that_makes_it(text: str, target: str) -> None:
    """Make makes the first, which need not be the program's."""
    assert program(text).target == target


@pytest.mark.parametrize(
    ("recipe", "compilers"),
    [
        ("$(CC) -o x x.c", ()),
        ("@gcc -o x x.c", ("gcc",)),
        ("cd src && clang++ -o x x.cc; gcc -c y.c; gcc -c z.c", ("clang++", "gcc")),
        ("echo gcc is not called", ()),
    ],
)
def test_compilers_called_by_name(recipe: str, compilers: tuple[str, ...]) -> None:
    assert program(f"all:\n\t{recipe}\n").compilers == compilers
