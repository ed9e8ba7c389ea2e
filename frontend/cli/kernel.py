"""`hutch kernel size FILE|IMAGE`: what a kernel's bytes are, and what of them runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from frameworks.runtime.machine import NotBootable
from frontend.cli import buildx, complain, kernelsize
from frontend.cli import run as boots
from frontend.cli.kernelsize import ALWAYS, PADDING, Count, Sizes
from frontend.cli.options import add_json, add_platform
from frontend.cli.options import parser as make
from frontend.images import boot, docker, facts, find, sections
from frontend.images.layout import is_layout
from frontend.targets import KERNEL_SIZE
from llb.masked import printable

_FILE = "kernel-size.json"
_MOST_BYTES = 256 << 20


def parser() -> argparse.ArgumentParser:
    """What it takes."""
    made = make(
        "kernel",
        """
        Of a build file whose kernel is Linux from source: the kernel is built as for the image (or
        taken from the builder's cache) and its linker asked what is in it; the bytes are those
        before compression. Of an image: the sections of its kernel's file, of any kernel.

        --run also builds the image and boots it here under QEMU's translation, which notes which
        code of the kernel ran. Use the guest, end it (Ctrl-C, or let it end), and read
        which options had code of which nothing ran. That is what was seen, and no proof: what
        only an error or another day needs did not run either. Words after `--` are options
        of `hutch run`.
        """,
        examples=(
            "hutch kernel size bunnyfile",
            "hutch kernel size --by directory --depth 3 bunnyfile",
            "hutch kernel size --run bunnyfile -- -p 8080:80 --timeout 60",
            "hutch kernel size localhost:5000/hello:1",
        ),
        statuses={1: "it cannot be built, or has no kernel that can be read"},
    )
    made.usage = "hutch kernel [-h] [OPTION ...] {size} FILE|IMAGE [-- RUN-OPTION ...]"
    add = made.add_argument
    add("what", choices=("size",), help="what is shown")
    add("file", metavar="FILE", help="a build file, its directory, a kernel-size.json, or an image")
    add("--run", action="store_true", help="boot it, and see what of the kernel runs")
    add(
        "--by", choices=("option", "directory", "object", "section"), action="append",
        help="what is counted (option and directory)",
    )  # fmt: skip
    add("--depth", type=int, default=2, help="how deep directories are told apart (2)")
    add("-n", "--lines", type=int, default=20, metavar="COUNT", help="how many of each (20)")
    add_platform(made, "of a build for several, such as linux/arm64 or arm64")
    add_json(made)
    return made


def parse(words: list[str]) -> argparse.Namespace:
    """The command line: after `--` is for `hutch run`."""
    at = words.index("--") if "--" in words else len(words)
    made = parser()
    options = made.parse_args(words[:at])
    why = ""
    if options.depth < 1 or options.lines < 1:
        why = "--depth and --lines are 1 at least"
    elif words[at:] and not options.run:
        why = "options after `--` are for --run"
    if why:
        made.error(why)
    options.told = boots.parser().parse_args([*words[at + 1 :], options.file])
    return options


def run(options: argparse.Namespace) -> int:
    """Count, and print tables or JSON."""
    name = os.path.expanduser(options.file)
    is_file = os.path.isfile(name) or find.is_path(options.file)
    if not is_file or is_layout(name):
        if options.run:
            return complain(
                "--run needs the build file: an image does not say what its kernel is of"
            )
        return _of_image(options)
    if name.endswith(".json"):
        if options.run:
            return complain("--run needs the build file")
        return _show(_read(Path(name)), options, ran=False)
    found = docker.find()
    file, context = buildx.where(options.file, None)
    platform = () if options.platform is None else ("--platform", str(options.platform))
    with tempfile.TemporaryDirectory(prefix="hutch-kernel-") as directory:
        out = ("--target", KERNEL_SIZE, "--output", f"type=local,dest={directory}")
        words = buildx.words(buildx.Request((*platform, *out), file, context), found)
        if found.run(*words) != 0:
            return 1
        sizes = _read(Path(directory) / _FILE)
    if options.run:
        request = buildx.Request(platform, file, context)
        with buildx.built(request, found) as images:
            if images is None:
                return 1
            try:
                _watched(images, sizes, options)
            except (NotBootable, boot.NotInstalled) as error:
                return complain(str(error))
    return _show(sizes, options, ran=options.run)


def _read(path: Path) -> Sizes:
    """What a build left. Raises OSError."""
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES)
    try:
        return Sizes.parse(data)
    except ValueError as error:
        raise OSError(f"{path.name}: {error}") from None


def _watched(images: Any, sizes: Sizes, options: argparse.Namespace) -> None:
    """Boot an image, and note which code of its kernel runs. Raises NotBootable, NotInstalled."""
    told = options.told
    told.accel = "tcg"
    told.platform = options.platform
    if sizes.random:
        told.append.append("nokaslr")
    begin, end = sizes.bounds
    with (
        tempfile.TemporaryDirectory(prefix="hutch-kernel-") as name,
        boots.prepared(images, Path(name), told) as ready,
    ):
        if not ready.command[0].startswith("qemu"):
            raise NotBootable(f"QEMU alone says what runs, and the guest is for {ready.command[0]}")
        log = Path(name) / "translated"
        log.touch(0o666)
        log.chmod(0o666)  # QEMU may run as another user
        watching = ("-d", "in_asm", "-D", str(log), "-dfilter", f"{begin:#x}..{end:#x}")
        try:
            # The tables, or the JSON, are what a program reads: the console is beside them.
            boots.watch(ready, [*ready.command, *watching], told, to=sys.stderr.buffer)
        except KeyboardInterrupt:
            complain("ended: this is what ran until now")
        with log.open(encoding="ascii", errors="replace") as lines:
            sizes.note(kernelsize.reached(lines))


def _show(sizes: Sizes, options: argparse.Namespace, *, ran: bool) -> int:
    by = options.by or ["option", "directory"]
    if options.json:
        json.dump(_json(sizes, options.depth, ran=ran), sys.stdout, indent=2)
        print()
        return 0
    print(
        f"kernel: {_bytes(sizes.file)} as it boots; {_bytes(sizes.total)} before compression,"
        f" and {_bytes(sizes.bss)} more in memory"
    )
    for each in by:
        print()
        for line in _tables(sizes, each, options, ran=ran):
            print(printable(line))
    if ran:
        print()
        for line in _unused(sizes, options.lines):
            print(printable(line))
    return 0


def _tables(sizes: Sizes, by: str, options: argparse.Namespace, *, ran: bool) -> Iterator[str]:
    head = ["bytes", "share", *(["code that ran"] if ran else [])]
    total = sum(thing.file for thing in sizes.things)

    def cells(count: Count) -> list[str]:
        share = f"{count.file / total:.1%}" if total else "-"
        part = [f"{count.ran / count.code:.0%}" if count.code else "-"] if ran else []
        return [_bytes(count.file), share, *part]

    if by == "option":
        rows = [
            [name, _bytes(own.file), *cells(whole)]
            for name, (own, whole) in sizes.by_option().items()
        ]
        head = ["its own", "with all below it", *head[1:]]
    elif by == "directory":
        rows = [[name, *cells(count)] for name, count in sizes.by_directory(options.depth).items()]
    elif by == "object":
        rows = []
        for thing in sorted(sizes.things, key=lambda each: (-each.file, each.path)):
            count = Count()
            count.add(thing)
            rows.append([thing.path, *cells(count)])
    else:
        yield from kernelsize.table(
            [["section", "bytes", "kind"]]
            + [
                [each["name"], _bytes(each["size"]), each["kind"]]
                for each in sorted(sizes.sections, key=lambda each: -each["size"])[: options.lines]
            ]
        )
        return
    yield from kernelsize.table([[by, *head], *rows[: options.lines]])
    if len(rows) > options.lines:
        yield f"({len(rows) - options.lines} more: -n COUNT)"


def _unused(sizes: Sizes, lines: int) -> Iterator[str]:
    idle = sizes.unused()
    if not idle:
        yield "of every option with code something ran"
        return
    freed = sum(count.file for count in idle.values())
    yield f"options of whose code nothing ran, {_bytes(freed)} with all below them:"
    yield from kernelsize.table(
        [[f"  {name}", _bytes(count.file)] for name, count in list(idle.items())[:lines]]
    )
    if len(idle) > lines:
        yield f"  ({len(idle) - lines} more: -n COUNT)"
    yield "This is what this run did not need. Turn one off in kernel.options, and test: some are"
    yield "wanted by others, which the build then says."


def _json(sizes: Sizes, depth: int, *, ran: bool) -> dict[str, Any]:
    return {
        "file": sizes.file,
        "sections": [dict(each) for each in sizes.sections],
        "options": {
            name: {"own": own.to_json(ran=ran), "all": whole.to_json(ran=ran)}
            for name, (own, whole) in sizes.by_option().items()
            if name not in (ALWAYS, PADDING)
        },
        "directories": {
            name: count.to_json(ran=ran) for name, count in sizes.by_directory(depth).items()
        },
        "objects": {
            thing.path: {
                "bytes": thing.file,
                "bss": thing.bss,
                "code": thing.code,
                "options": list(thing.options),
                **({"ran": thing.ran} if ran else {}),
            }
            for thing in sizes.things
        },
        **({"unused": list(sizes.unused())} if ran else {}),
    }


def _of_image(options: argparse.Namespace) -> int:
    """The sections of an image's kernel. Raises OSError where it has none."""
    with find.images(options.file) as images:
        image = images.image(options.platform)
        tree = images.tree(image)
        said = facts.of(image, tree).kernel
        if said is None:
            raise OSError(f"{options.file} has no kernel")
        with tree.open(said.path) as file:
            parts = sections.of(cast("BinaryIO", file))
    if options.json:
        shown = {
            "file": said.size,
            "form": said.form,
            "sections": [{"name": each.name, "size": each.size} for each in parts],
            "options": None if said.options is None else dict(said.options),
        }
        json.dump(shown, sys.stdout, indent=2)
        print()
        return 0
    print(f"kernel: {_bytes(said.size)}, {said.form} for {said.architecture}")
    if said.options is not None:
        on = sum(value != "n" for value in said.options.values())
        print(f"configuration: {on} options on")
    shown_parts = sorted(parts, key=lambda each: -each.size)[: options.lines]
    rows = [["part", "bytes"], *([each.name, _bytes(each.size)] for each in shown_parts)]
    for line in kernelsize.table(rows):
        print(printable(line))
    print("By option and directory: `hutch kernel size` of the build file, for Linux from source.")
    return 0


def _bytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1_000_000 else f"{size / 1e3:.1f} kB"
