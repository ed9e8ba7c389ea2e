"""Fill the root of the frontend image; runs in the Dockerfile's build stage.

It takes the unpacked Debian packages and wheels of the *target* machine and keeps what the
frontend and its file system tools need: the interpreter, the modules as compiled files, the
programs, and the libraries that these load. Nothing of the target is executed, so an image for
another machine needs no emulation.
"""

import argparse
import ast
import marshal
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from image import start
from image.expand import RUNTIME, TYPES, Known, expand, silent, survey
from image.libraries import copy_libraries, drop_unused, install, is_elf


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


PYTHON = "usr/bin/python3.13"
STDLIB = "usr/lib/python3.13"
PROGRAMS = (
    PYTHON,
    # Decompresses what Python's tarfile does not, and brings the library by which mke2fs reads tar.
    "usr/bin/bsdcat",
)
"""Beside those that write file systems, which are in the table of `frameworks.rootfs`."""
# mke2fs has no defaults of its own: without this file it makes file systems without a journal.
FILES = ("etc/mke2fs.conf",)
# Only commands on a developer's machine read registries and boot images.
NOT_OURS = (
    Path("frontend/images"),
    Path("frontend/cli/attach.py"),
    Path("frontend/cli/bench.py"),
    Path("frontend/cli/build.py"),
    Path("frontend/cli/buildx.py"),
    Path("frontend/cli/completion.py"),
    Path("frontend/cli/console.py"),
    Path("frontend/cli/copy.py"),
    Path("frontend/cli/dev.py"),
    Path("frontend/cli/diff.py"),
    Path("frontend/cli/init.py"),
    Path("frontend/cli/inspect.py"),
    Path("frontend/cli/kernel.py"),
    Path("frontend/cli/kernelsize.py"),
    Path("frontend/cli/makefile.py"),
    Path("frontend/cli/projects.py"),
    Path("frontend/cli/push.py"),
    Path("frontend/cli/reference.py"),
    Path("frontend/cli/run.py"),
    Path("frontend/cli/wholefile.py"),
    Path("frameworks/first.py"),
    Path("frameworks/runtime/machine.py"),
    Path("frameworks/runtime/urunc/guests.py"),
    Path("frameworks/runtime/urunc/versions.py"),
)
OURS = ("frontend", "frameworks", "llb", "schemas")

# Programs that steps run with another Python than this image's, by themselves: they go as they are.
ELSEWHERE = (
    Path("frameworks/bsd/steps/fetching.py"),
    Path("frameworks/freebsd/steps/catalogue.py"),
    Path("frameworks/kit/steps/progress.py"),
    Path("frameworks/netbsd/steps/patterns.py"),
    Path("frameworks/netbsd/steps/summary.py"),
)

# Modules of the standard library for desktops, terminals, developers, servers, other systems and
# OpenSSL: nothing in the image imports them, and together they are two thirds of it.
DROPPED = words(
    """
    __hello__ __phello__ _aix_support _android_support _apple_support _distutils_system_mod
    _ios_support _markupbase _osx_support _py_abc _pydatetime _pydecimal _pyio _pylong _pyrepl
    _sysconfigdata__aarch64-linux-gnu _sysconfigdata__linux_aarch64-linux-gnu
    _sysconfigdata__linux_x86_64-linux-gnu _sysconfigdata__x86_64-linux-gnu antigravity asyncio bdb
    cProfile cmd code codeop colorsys compileall concurrent.futures.process
    config-3.13-aarch64-linux-gnu config-3.13-x86_64-linux-gnu configparser csv ctypes curses dbm
    decimal doctest email ensurepip filecmp fileinput fractions ftplib getopt getpass graphlib html
    http idlelib imaplib importlib.abc importlib.metadata importlib.readers importlib.resources
    importlib.simple json.__main__ json.tool lib2to3 logging.config logging.handlers mailbox mailcap
    mimetypes modulefinder multiprocessing netrc nntplib nturl2path optparse pdb pickletools
    plistlib poplib profile pstats pty py_compile pyclbr pydoc pydoc_data quopri rlcompleter sched
    shelve sitecustomize smtplib socketserver sqlite3 sre_compile sre_constants sre_parse ssl
    statistics stringprep symtable sysconfig tabnanny telnetlib test this timeit tkinter trace
    tracemalloc tty turtle turtledemo unittest urllib.error urllib.request urllib.response
    urllib.robotparser uuid venv wave webbrowser wsgiref xml xmlrpc zipapp zipfile zoneinfo
    """
)
ENCODINGS = words(
    """
    __init__ aliases ascii cp437 hex_codec latin_1 punycode raw_unicode_escape
    unicode_escape utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le utf_8 utf_8_sig
    """
)
EXTENSIONS = words(
    """
    _bz2 _contextvars _lzma _multibytecodec _queue mmap resource
    """
)
# Parts of the wheels that are for developers or for features that the frontend does not use.
NOT_NEEDED = (
    *("*.dist-info", "bin", "__pycache__", "*.pyi", "*.pem", "py.typed", "*.proto", "*.h"),
    *(
        "*_benchmark.py",
        "testing_refleaks.py",
        "testdata",
        "compiler",
        "clibz",
        "configobjwalker.py",
        "cyaml.py",
    ),
)


def compile_module(
    source: Path,
    target: Path,
    name: str,
    bases: Mapping[str, Known] | None = None,
    *,
    annotated: bool = False,
) -> None:
    """Compile a module beside where its source would be; ours with `bases` (`image.expand`).

    `annotated` leaves annotations as they are, which the standard library asks for here and there.

    The hash in it is never checked, so neither a time stamp nor the source is needed (PEP 552).
    Docstrings are left out. Columns of code are too where Python runs with `-X no_debug_ranges`:
    a traceback marks them in the source, which is not there; its lines stay.
    """
    tree = ast.parse(source.read_bytes())
    tree = silent(tree if bases is None else expand(tree, bases), annotated=annotated)
    code = compile(tree, name, "exec", dont_inherit=True, optimize=0)
    target.parent.mkdir(parents=True, exist_ok=True)
    flags = (1).to_bytes(4, "little")
    target.write_bytes(MAGIC_NUMBER + flags + bytes(8) + marshal.dumps(code))


def dropped(relative: Path) -> bool:
    """Whether a module's file, from the standard library's top, is of what is left out."""
    names = (*relative.parts[:-1], relative.name.partition(".")[0])
    return any(".".join(names[: count + 1]) in DROPPED for count in range(len(names)))


def standard_library(packages: Path, root: Path) -> Iterator[Path]:
    """Compile what is kept of the standard library; yields the extension modules."""
    top = packages / STDLIB
    for path in sorted(top.rglob("*")):
        relative = path.relative_to(top)
        if path.is_dir() or dropped(relative):
            continue
        if relative.parts[0] == "encodings" and path.stem not in ENCODINGS:
            continue
        if path.suffix == ".py":
            target = root / STDLIB / relative.with_suffix(".pyc")
            compile_module(path, target, f"/{STDLIB}/{relative}", annotated=True)
        elif path.suffix == ".so" and relative.name.partition(".")[0] in EXTENSIONS:
            install(path, root / STDLIB / relative)
            yield root / STDLIB / relative


def wheels(source: Path, root: Path) -> Iterator[Path]:
    """Put the dependencies beside the standard library; yields the extension modules.

    That directory is on the path of an isolated interpreter which skips the module `site`.
    """
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_dir() or any(Path(part).match(p) for part in relative.parts for p in NOT_NEEDED):
            continue
        target = root / STDLIB / relative
        if path.suffix == ".py":
            compile_module(path, target.with_suffix(".pyc"), f"/{STDLIB}/{relative}")
        else:
            install(path, target)
            if is_elf(target):
                yield target


def application(source: Path, root: Path) -> None:
    """Compile our packages; their data files go along."""
    bases = survey(path for package in OURS for path in sorted((source / package).rglob("*.py")))
    for module in (f"{RUNTIME}.py", f"{TYPES}.py"):
        target = (root / STDLIB / module).with_suffix(".pyc")
        compile_module(Path(__file__).with_name(module), target, f"/{STDLIB}/{module}", {})
    for package in OURS:
        for path in sorted((source / package).rglob("*")):
            relative = path.relative_to(source)
            target = root / STDLIB / relative
            if path.is_dir() or path.name == "py.typed" or path.suffix in (".pyi", ".proto"):
                continue
            if any(map(relative.is_relative_to, NOT_OURS)):
                continue
            if path.suffix == ".py" and relative not in ELSEWHERE:
                compile_module(path, target.with_suffix(".pyc"), f"/{STDLIB}/{relative}", bases)
            else:
                install(path, target)


def imported(source: Path) -> set[str]:
    """The modules that a file imports anywhere in it: ours import late, inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


NOT_FILES = frozenset({"collections.abc"})
"""Modules that another makes."""


def check_imports(source: Path, base: Path) -> None:
    """Stop the build when our packages import a module that was left out above."""
    for package in OURS:
        for path in sorted((source / package).rglob("*.py")):
            relative = path.relative_to(source)
            if relative in ELSEWHERE or any(map(relative.is_relative_to, NOT_OURS)):
                continue
            for name in sorted(imported(path)):
                top = name.partition(".")[0]
                if top in OURS or top in sys.builtin_module_names or name in NOT_FILES:
                    continue
                kept = base / STDLIB / name.replace(".", "/")
                libraries = (base / STDLIB / "lib-dynload").glob(f"{top}.*")
                module = kept.with_name(f"{kept.name}.pyc")
                if not (kept.is_dir() or module.exists() or any(libraries)):
                    raise SystemExit(f"{path} imports {name}, which the image leaves out")


def skeleton(root: Path) -> None:
    """The directories of a merged /usr, and what a container with a read-only root must find."""
    for name in ("bin", "lib", "lib64", "sbin"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "sys", "run", "etc", "root", "tmp", "var", "out", "tree"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "usr/bin/python3").symlink_to("python3.13")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/usr/bin/python3\n")
    (root / "etc/group").write_text("root:x:0:\n")
    for name in ("hosts", "resolv.conf"):
        (root / "etc" / name).touch()


def licences(packages: Path, root: Path) -> None:
    """The licence texts of the packages of which something is in the image."""
    for source in sorted(packages.glob("usr/share/doc/*/copyright")):
        if not source.parent.is_symlink():
            install(source, root / source.relative_to(packages))


def set_times(root: Path, epoch: int) -> None:
    """Give every file the same time, and drop what the umask of the build may have left."""
    for path in sorted(root.rglob("*"), reverse=True):
        if not path.is_symlink() and path.is_dir() and path.name != "tmp":
            path.chmod(0o755)
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    root.chmod(0o755)
    os.utime(root, (epoch, epoch))


def writers(source: Path) -> tuple[str, ...]:
    """The programs that write file systems, by the table in our own packages at `source`.

    A process of its own imports our modules, and leaves nothing beside them.
    """
    program = "from frameworks.rootfs.filesystems import TABLE\n"
    program += "print(*sorted({each.program for each in TABLE.values()}))"
    said = subprocess.check_output((sys.executable, "-B", "-c", program), cwd=source, text=True)
    return tuple(said.split())


def main() -> None:
    """Fill `--base` (interpreter, tools, dependencies) and `--app` (our own packages).

    `--wheels` are the target's; `--native` has what of them is compiled, for this machine.
    """
    parser = argparse.ArgumentParser()
    for name in ("packages", "wheels", "native", "source", "base", "app"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument(
        "--machine", required=True, help="the target's GNU name, as of its binutils"
    )
    parser.add_argument("--epoch", type=int, default=0)
    options = parser.parse_args()

    base: Path = options.base
    skeleton(base)
    elves = []
    for name in (*PROGRAMS, *writers(options.source)):
        install(options.packages / name, base / name, 0o755)
        elves.append(base / name)
    for name in FILES:
        install(options.packages / name, base / name)
    elves += standard_library(options.packages, base)
    dependencies = list(wheels(options.wheels, base))
    strip = (f"{options.machine}-strip", "--strip-unneeded")
    subprocess.run((*strip, *map(str, dependencies)), check=True)
    for path in dependencies:
        drop_unused(path, options.packages)
    copy_libraries(options.packages, base, [*elves, *dependencies], options.machine)
    licences(options.packages, base)
    check_imports(options.source, base)
    application(options.source, options.app)
    compiled = [options.app / STDLIB, base / STDLIB]
    start.write(options.app / STDLIB / start.FILE, compiled, options.native)
    set_times(base, options.epoch)
    set_times(options.app, options.epoch)


if __name__ == "__main__":
    main()
