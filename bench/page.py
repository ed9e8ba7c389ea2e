"""docs/performance.md: what the last `make bench` measured, as ratios to the other side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

OURS, PEER, DOCKER = "bunnyfile", "peer", "Dockerfile"
NAMES = {OURS: "hutch", PEER: "the Go tool", DOCKER: "Docker's Dockerfile frontend"}

Rows = Iterable[tuple[object, ...]]


def render(result: Mapping[str, Any]) -> str:
    """The page of a result, as `bench.__main__` writes it to build/bench.json."""
    return "\n".join(_lines(result)).rstrip() + "\n"


def _lines(result: Mapping[str, Any]) -> Iterator[str]:
    machine = result["machine"]
    yield "# Performance"
    yield ""
    yield (
        "`make bench` writes this page from `build/bench.json`: the last run, of "
        f"{machine['date']}, on {machine['cores']} cores ({machine['cpu']}), Docker "
        f"{machine['docker']}, with a load of {machine['load']} before it began. Each table says "
        "of how many rounds its figures are medians; sides take turns. No test measures time."
    )
    yield ""
    version = result["versions"].get(PEER)
    yield (
        "The Go tool is [bunny](https://github.com/nubificus/bunny)"
        f"{f' {version}' if version else ''}, which reads v0.1 files; its image is named in "
        "`HUTCH_BENCH_PEER`, and without it there are no columns of it."
    )
    yield from _section("A warm build of a v0.1 file", _warm(result))
    if result.get("profile"):
        yield from _section(
            "Where the time of our process goes", _profile(result["profile"], result["rounds"])
        )
    if result.get("processes"):
        yield from _section("The calls of a warm build", _calls(result["processes"]))
    yield from _section(
        "What each trick of a start saves", _tricks(result["tricks"], result["rounds"])
    )
    yield from _section("Many at once", _many(result))
    yield from _section("Images", _layers(result["layers"], result["moved"]))
    if result.get("contexts"):
        yield from _section("Contexts, and many files", _contexts(result))
    yield from _section("Graphs", _graphs(result))
    if result.get("linux"):
        yield from _section("Kernels", _kernels(result))
    for system, times in result.get("bsd", {}).items():
        yield from _section(f"{system}'s kernel", _bsd(times))

    if result.get("unikernels"):
        yield from _section("Unikernels, and Linux beside them", _starts(result))


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "", *lines)


def _table(head: tuple[object, ...], rows: Rows) -> Iterator[str]:
    yield f"| {' | '.join(map(str, head))} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e3:.0f} ms"


def _mb(size: float | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"


def _ratio(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}" if ours and theirs else ""


def _of(rounds: int, what: str) -> str:
    """What figures are of: `rounds` of `what`, a word that takes an s."""
    ending = "es" if what.endswith("s") else "s"
    return f"of one {what}" if rounds == 1 else f"medians of {rounds} {what}{ending}"


def _sides(found: Mapping[str, Any]) -> list[str]:
    return [name for name in (OURS, PEER, DOCKER) if name in found]


def _warm(result: Mapping[str, Any]) -> Iterator[str]:
    warm, processes = result["warm"], result.get("processes", {})
    sides = _sides(warm)
    rows: list[tuple[object, ...]] = [
        ("wall", *(_ms(warm[s]) for s in sides)),
        ("wall, ratio of hutch to it", *(_ratio(warm[OURS], warm[s]) for s in sides)),
    ]
    for key, found in result.items():
        if key.startswith("warm "):
            cells = (
                f"{_ms(found[s])} ({_ratio(found[OURS], found[s])})" if s in found else ""
                for s in sides
            )
            rows.append((f"wall (ratio): {key.removeprefix('warm ')}", *cells))
    cpu = {s: processes[s]["cpu"] for s in sides if s in processes}
    memory = {s: processes[s]["memory"] for s in sides if s in processes}
    if cpu:
        rows.append(("CPU of the frontend's process", *(_ms(cpu.get(s)) for s in sides)))
        rows.append(("memory of the frontend's process", *(_mb(memory.get(s)) for s in sides)))
    sizes = result["image_bytes"]
    rows.append(("frontend image, compressed", *(_mb(sizes.get(s)) for s in sides)))
    yield (
        f"Times and memory are {_of(result['rounds'], 'build')}, after one that filled the cache."
    )
    yield ""
    yield from _table(("", *(NAMES[s] for s in sides)), rows)


def _profile(profile: Mapping[str, Any], rounds: int) -> Iterator[str]:
    yield (
        f"From the first line of Python to the end: {_ms(profile['wall'])}, with "
        f"{profile['modules']} modules imported and {profile['rounds']:.0f} waits for the daemon, "
        "one after the other. Each phase is without those inside it. Figures are "
        f"{_of(rounds, 'warm build')}."
    )
    yield ""
    yield from _table(
        ("phase", "wall"),
        ((phase, f"{seconds * 1e3:.1f} ms") for phase, seconds in profile["phases"].items()),
    )


def _calls(processes: Mapping[str, Any]) -> Iterator[str]:
    for side in _sides(processes):
        calls = processes[side]["calls"]
        yield f"- {NAMES[side]}, {len(calls)}: {', '.join(calls)}"


def _tricks(tricks: Mapping[str, float], rounds: int) -> Iterator[str]:
    yield (
        "Processor time of a new process in the image that imports what a build imports, "
        f"{_of(rounds, 'process')}; the variants take turns. "
        "[ADR 5](adr/0005-dataclasses-are-compiled-with-the-image.md) says what the tricks are."
    )
    yield ""
    base = tricks["as it is"]
    yield from _table(
        ("", "CPU", "more than as it is"),
        (
            (name, f"{seconds * 1e3:.1f} ms", f"{(seconds - base) * 1e3:+.1f} ms")
            for name, seconds in tricks.items()
        ),
    )


def _many(result: Mapping[str, Any]) -> Iterator[str]:
    bakes = {key: value for key, value in result.items() if key.startswith("bake of ")}
    if not bakes:
        yield "Not measured in this run."
        return
    sides = _sides(next(iter(bakes.values())))
    rows = (
        (
            f"{key.removeprefix('bake of ')} files in one warm bake, "
            f"{_of(result['counts'][key], 'bake')}",
            *(f"{found[s]:.1f} s ({_ratio(found[OURS], found[s])})" for s in sides),
        )
        for key, found in bakes.items()
    )
    yield from _table(("wall (ratio of hutch to it)", *(NAMES[s] for s in sides)), rows)


def _layers(layers: Mapping[str, Any], moved: Mapping[str, int]) -> Iterator[str]:
    yield (
        "The same content, a kernel of 8 MiB and an archive of 1 MiB, built by each. What moves "
        "are the layers that the other side has not by their digests, in a push as in a pull."
    )
    yield ""
    yield from _table(
        ("", "layers", "bytes", "bytes that move when only a program of 1 MiB changed"),
        ((NAMES[s], layers[s][0], layers[s][1], moved[s]) for s in _sides(layers)),
    )


def _contexts(result: Mapping[str, Any]) -> Iterator[str]:
    found = result["contexts"]
    sides = _sides(found["large"])
    yield (
        "The context has 200 MB, of which a build uses two files of 1 kB. Each is new to the "
        "daemon: "
        f"{_of(result['counts']['contexts'], 'build')}. The other rows count one build. Measured "
        f"at a load of {found['load']}."
    )
    yield ""
    rows: list[tuple[object, ...]] = [
        (
            "build of 200 MB, of which 2 kB are used (ratio of hutch to it)",
            *(f"{found['large'][s]:.2f} s ({_ratio(*_both(found['large'], s))})" for s in sides),
        ),
        (
            "steps that run again for a new file that nobody uses",
            *(found["added"][s] for s in sides),
        ),
        (
            "layers of an image of 150 files, each named",
            *("the build fails" if (n := found["layers"][s]) is None else n for s in sides),
        ),
    ]
    yield from _table(("", *(NAMES[s] for s in sides)), rows)


def _both(found: Mapping[str, float], side: str) -> tuple[float, float]:
    return found[OURS], found[side]


def _graphs(result: Mapping[str, Any]) -> Iterator[str]:
    graphs, version = result["graphs"], result["versions"].get("buildkit")
    yield (
        "States made, and marshalled to bytes, in a new process: "
        f"{_of(result['counts']['graphs'], 'process')}. The other side is BuildKit's own client in "
        f"Go, of the source tree in `HUTCH_BENCH_BUILDKIT`{f' ({version})' if version else ''}, "
        "which makes the same graph of as many vertices; in brackets is the ratio of hutch to it. "
        "Speeds are of processor time, that of all threads."
    )
    yield ""
    sides = list(next(iter(graphs.values())))
    yield from _table(("", *sides), _graph_rows(graphs))
    if sizes := result.get("sizes"):
        yield ""
        yield (
            "Vertices marshalled a second by hutch, by the size of the graph: "
            f"{_of(result['counts']['sizes'], 'process')}, at a load of {sizes['load']}. A speed "
            "that stays is a time that grows as the graph does."
        )
        yield ""
        speeds = sizes["speeds"]
        heads = (f"{int(size):,}" for size in next(iter(speeds.values())))
        yield from _table(
            ("", *heads),
            (
                (shape, *(f"{speed:,.0f}" for speed in each.values()))
                for shape, each in speeds.items()
            ),
        )


def _graph_rows(graphs: Mapping[str, Any]) -> Iterator[tuple[object, ...]]:
    for graph, found in graphs.items():
        whole = {
            side: each["vertices"] / (each["made"] + each["vertices"] / each["speed"])
            for side, each in found.items()
        }
        for measure, form, of in (
            ("vertices marshalled a second", "{:,.0f}", _each(found, "speed")),
            ("made and marshalled a second", "{:,.0f}", whole),
            ("bytes of memory for a vertex", "{:,.0f}", _each(found, "memory")),
        ):
            yield f"{graph}: {measure}", *_beside(form, of)


def _each(found: Mapping[str, Any], name: str) -> dict[str, float]:
    return {side: each[name] for side, each in found.items()}


def _beside(form: str, of: Mapping[str, float]) -> Iterator[str]:
    """Each side's value, and after the other's the ratio of ours, the first, to it."""
    ours, *others = of.values()
    yield form.format(ours)
    for other in others:
        yield f"{form.format(other)} ({_ratio(ours, other)})"


def _kernels(result: Mapping[str, Any]) -> Iterator[str]:
    linux, counts = result["linux"], result["counts"]
    if made := linux["builds"]:
        yield f"Times of `make` are {_of(counts['kernels'], 'round')}, which began with no cache."
        yield ""
        yield from _table(
            ("make of a kernel", "ratio"),
            (
                ("cold, to the bare machine", _ratio(made["cold"], made["bare"])),
                ("with another option, to cold", _ratio(made["option"], made["cold"])),
                ("steps of the kernel for another application", made["app_steps"]),
            ),
        )
        yield ""
    first = linux["first"]
    yield (
        f"The first build on a new machine calls a compiler after {first['compiler']:.0f} s, when "
        f"apt has fetched {_mb(first['fetched'])}: the toolchain is installed while the source is "
        f"fetched and unpacked. One after the other the steps before would take "
        f"{first['added']:.0f} s. These are of one build."
    )
    yield ""
    boots = linux["boots"]
    debian = boots["Debian"]
    yield (
        "Kernels boot an initrd of one program under QEMU without KVM, in the machine of a "
        f"container with 256 MiB: {_of(counts['boots'], 'boot')}. Beside Debian's and ours are "
        "those of `HUTCH_BENCH_KERNELS`, which somebody else configured."
    )
    yield ""
    yield from _table(
        (
            *(
                "kernel",
                "version",
                "file",
                "to Debian's",
                "boot to init, guest's clock",
                "to Debian's",
            ),
            *("from QEMU's start", "memory in use then"),
        ),
        (
            (
                name,
                found["version"],
                _mb(found["size"]),
                _ratio(found["size"], debian["size"]),
                f"{found['to_init']:.2f} s",
                _ratio(found["to_init"], debian["to_init"]),
                f"{found['wall']:.2f} s",
                _mb(found["memory"]),
            )
            for name, found in boots.items()
        ),
    )
    yield ""
    yield (
        "The same boots of `microvm` by phase, on the guest's clock. The APIC's timer is measured "
        "only where the processor has no deadline timer, as under QEMU without KVM."
    )
    yield ""
    yield from _table(
        ("phase", "time"),
        ((name, _ms(spent)) for name, spent in boots["microvm"]["phases"].items()),
    )


def _bsd(times: Mapping[str, Any]) -> Iterator[str]:
    yield "Each is of one run."
    yield ""
    yield from _table(
        ("", "ratio"),
        (
            ("tools, cold, to the bare machine", _ratio(times["tools"], times["bare_tools"])),
            ("kernel, cold, to the bare machine", _ratio(times["kernel"], times["bare_kernel"])),
            ("kernel with another option, to cold", _ratio(times["option"], times["kernel"])),
            ("steps of the kernel for another application", times["app_steps"]),
        ),
    )


def _starts(result: Mapping[str, Any]) -> Iterator[str]:
    found = result["unikernels"]
    starts = _of(result["counts"]["starts"], "start")
    yield f"Starts are {starts}, at a load of {found['load']}; QEMU runs without KVM."
    yield ""
    yield from _table(
        ("kernel and monitor", "file", "initrd", "exec to the first line"),
        (
            (name, _mb(each["size"]), _mb(each["initrd"] or None), _ms(each["seconds"]))
            for name, each in found["starts"].items()
        ),
    )
