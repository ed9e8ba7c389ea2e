"""Runs in the frontend image: what each trick of a start saves, alone.

    python3 -I -S -B -m tricks make SOURCE    compile our packages in each way, below WAYS
    python3 -I -S -B -m tricks run ROUNDS     import them in turn in new processes, and tell

A process imports what a build of a v0.1 file imports. The variants take turns, so that the
machine's moods hit all alike.
"""

import json
import os
import sys
from pathlib import Path

WAYS = Path("/ways")
OURS = ("frontend", "frameworks", "llb", "schemas")
IMPORT = """
import frontend.gateway.session, frontend.dockerui.contexts, frontend.build
import frontend.lint.filechecks, frontend.bunnyfile.scanner
frontend.bunnyfile.scanner.parts()
"""
PREPARED = "from frontend.startup import prepare\nprepare()\n"
COLLECTOR = "import gc\ngc.enable()\n"
WHOLE_PROTOBUF = """
for name in "python_message", "well_known_types":
    del sys.modules[f"google.protobuf.internal.{name}"]
"""
ONE_BY_ONE = "del sys.meta_path[0]\n"
COMPILED_HERE = "sys.meta_path[0]._patterns.clear()\n"
BY_NAME = "import runpy\nrunpy._get_module_details('plainclass')\n"
VARIANTS = {
    "as it is": ("all", PREPARED + IMPORT),
    "dataclasses as they are": ("silent", PREPARED + IMPORT),
    "docstrings, annotations and typing kept": ("expanded", PREPARED + IMPORT),
    "a file for each module, expressions compiled": ("all", PREPARED + ONE_BY_ONE + IMPORT),
    "expressions compiled": ("all", PREPARED + COMPILED_HERE + IMPORT),
    "all of protobuf": ("all", PREPARED + WHOLE_PROTOBUF + IMPORT),
    "the garbage collector on": ("all", PREPARED + COLLECTOR + IMPORT),
    "the program found by its name (-m)": ("all", BY_NAME + PREPARED + IMPORT),
    "none of these": ("plain", BY_NAME + IMPORT),
    "Python alone": ("all", "pass"),
}


def make(source: Path) -> None:
    """Compile our packages: `all` tricks, without docstrings (`silent`), `expanded`, or `plain`."""
    sys.path.insert(0, str(source))
    import ast
    import marshal
    from importlib.util import MAGIC_NUMBER

    from image import start
    from image.assemble import STDLIB
    from image.expand import RUNTIME, TYPES, expand, silent, survey

    paths = [path for package in OURS for path in sorted((source / package).rglob("*"))]
    bases = survey(path for path in paths if path.suffix == ".py")
    paths += [source / "image" / f"{name}.py" for name in (RUNTIME, TYPES)]
    for way in ("all", "silent", "expanded", "plain"):
        for path in paths:
            relative = path.relative_to(source)
            target = WAYS / way / (path.name if relative.parts[0] == "image" else relative)
            if path.is_dir():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix != ".py":
                target.write_bytes(path.read_bytes())
                continue
            tree = ast.parse(path.read_bytes())
            if way in ("all", "expanded"):
                tree = expand(tree, bases)
            if way in ("all", "silent"):
                tree = silent(tree)
            code = compile(tree, str(relative), "exec", dont_inherit=True)
            head = MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
            target.with_suffix(".pyc").write_bytes(head + marshal.dumps(code))
        if way != "plain":
            start.write(WAYS / way / start.FILE, [WAYS / way, Path("/", STDLIB)], WAYS / way)


def run(rounds: int) -> None:
    """Print the medians of each variant: seconds of processor time, its start included."""
    taken: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for number in range(rounds + 1):
        for name, (way, code) in VARIANTS.items():
            text = f"import sys\nsys.path.insert(0, '{WAYS / way}')\n{code}"
            words = [sys.executable, "-I", "-S", "-B", "-c", text]
            _, status, usage = os.wait4(os.posix_spawn(sys.executable, words, os.environ), 0)
            if status:
                raise SystemExit(f"{name}: it ended with {status}")
            if number > 0:  # the first reads the files
                taken[name].append(usage.ru_utime + usage.ru_stime)
    print(json.dumps({name: sorted(each)[len(each) // 2] for name, each in taken.items()}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        run(int(sys.argv[2]))
