#!/usr/bin/env python3
"""FreeBSD's entry point, as far as hutch calls it: notes how it was called."""

import os
import subprocess
import sys
from pathlib import Path

source = Path.cwd()
objects = Path(os.environ["MAKEOBJDIRPREFIX"])
arguments = sys.argv[1:]
variables = dict(word.split("=", 1) for word in arguments if "=" in word and word[0] != "-")
step = arguments[-1]
notes = [
    f"{step} called: {' '.join(arguments)}",
    f"{step} epoch: {os.environ.get('SOURCE_DATE_EPOCH', 'none')}",
    f"{step} network: {' '.join(sorted(os.listdir('/sys/class/net')))}",
    f"{step} source: {'writable' if os.access(source, os.W_OK) else 'read-only'}",
]
if f"{source}/include" in f"{source}/crypto/krb5/src/include":
    sys.exit("Do not include ${SRCTOP}/include when building bootstrap tools.")
directory = f"{variables['TARGET']}.{variables['TARGET_ARCH']}"
tree = objects / str(source).lstrip("/") / directory
if step == "kernel-toolchain":
    boot = (source / "contrib/bmake/boot-strap").read_text()
    notes.append(f"bmake's tests: {'run' if 'Bmake test' in boot else 'skipped'}")
    cross = [word.split("=", 1)[1] for word in arguments if word.startswith("--cross-bindir=")]
    notes.append(f"clang: {Path(cross[0], 'clang').exists()}")
    (tree / "tmp").mkdir(parents=True)
    (tree / "tmp/record").write_text("\n".join(notes) + "\n")
elif step == "buildkernel":
    made = tree / "sys" / variables["KERNCONF"]
    made.mkdir(parents=True, exist_ok=True)
    runs = tree / "sys/runs"
    with runs.open("a") as file:
        file.write("run\n")
    (made / "Makefile").write_text("OBJS=\\\n\tinit_main.o kern_clock.o \\\n\tvnode_if.o\n")
    clang = f"{Path(arguments[0].partition('=')[2])}/clang -c"
    for name in ("init_main", "kern_clock"):
        print(f"--- {name}.o ---\n{clang} -D_KERNEL {source}/sys/kern/{name}.c", flush=True)
    notes.append(f"buildkernel objects: of {len(runs.read_text().splitlines())} runs")
    config = Path(variables["KERNCONFDIR"], variables["KERNCONF"])
    tools = (tree / "tmp/record").read_text()
    (made / "record").write_text(tools + "\n".join(notes) + "\n" + config.read_text())
    if variables["TARGET"] == "amd64":
        command = ["gcc", "-nostdlib", "-static", "-Wl,--build-id=none", f"-I{made}", "-o"]
        subprocess.run([*command, f"{made}/kernel", "sys/kernel.S"], check=True)
    elif "WITH_KERNEL_BIN" in variables:
        # The header of a boot image: 64 bytes, with a mark at 56.
        image = bytes(56) + b"ARM\x64" + bytes(4) + (made / "record").read_bytes()
        (made / "kernel.bin").write_bytes(image)
elif step in ("_includes", "_libraries"):
    system, cpu = tree / "tmp", {"amd64": "x86_64", "arm64": "aarch64"}[variables["TARGET"]]
    with (tree / "tmp/record").open("a") as file:
        file.write("\n".join(notes) + "\n")
    (system / "usr/include").mkdir(parents=True, exist_ok=True)
    (system / "usr/lib").mkdir(parents=True, exist_ok=True)
    if step == "_includes":
        (system / "usr/include/stdio.h").write_text("int puts(const char *);\n")
        sys.exit()
    tools = next(word.split("=", 1)[1] for word in arguments if word.startswith("--cross-bindir="))
    for name, code in {
        "crt1": "int main(void); void _start(void) { main(); for (;;); }",
        "libc": "int puts(const char *text) { return text == 0; }\n"
        + f'const char made[] __attribute__((used)) = "{" ".join(notes)}";',
        **dict.fromkeys(("crti", "crtn", "crtbegin", "crtbeginT", "crtend", "gcc", "gcc_eh"), ""),
    }.items():
        compiler = [f"{tools}/clang", f"--target={cpu}-unknown-freebsd", "-xc", "-c", "-o"]
        made_file = str(system / "usr/lib" / f"{name}.o")
        subprocess.run([*compiler, made_file, "-"], input=code.encode(), check=True)
    for name, of in {"libc": "libc", "libgcc": "gcc", "libgcc_eh": "gcc_eh"}.items():
        files = [str(system / f"usr/lib/{part}") for part in (f"{name}.a", f"{of}.o")]
        subprocess.run([f"{tools}/llvm-ar", "rc", *files], check=True)
else:
    sys.exit(f"make.py: what is {step}?")
