"""The page of performance, with the peer and without."""

from __future__ import annotations

from typing import Any

from bench import page
from tests.places import ROOT

RESULT: dict[str, Any] = {
    "machine": {"date": "2026-01-02", "cores": 2, "cpu": "A", "docker": "28.5", "load": 0.5},
    "rounds": 3,
    "counts": {"bake of 50": 3, "graphs": 3, "kernels": 1, "boots": 5, "starts": 5},
    "versions": {"peer": "v1.2", "buildkit": "v0.31-7-gabc"},
    "image_bytes": {"bunnyfile": 10_000_000, "peer": 8_000_000},
    "tricks": {"as it is": 0.05, "the garbage collector on": 0.06},
    "profile": {
        "phases": {"imports": 0.04, "plan": 0.001},
        "wall": 0.08,
        "rounds": 7.0,
        "modules": 200,
    },
    "processes": {
        "bunnyfile": {"cpu": 0.07, "memory": 25_000_000, "calls": ["Ping", "Return"]},
        "peer": {"cpu": 0.035, "memory": 40_000_000, "calls": ["Ping"]},
    },
    "warm": {"bunnyfile": 0.4, "peer": 0.32, "Dockerfile": 0.2},
    "warm initrd, of a program": {"bunnyfile": 0.5, "peer": 0.4},
    "moved": {"bunnyfile": 100, "peer": 900, "Dockerfile": 110},
    "layers": {"bunnyfile": [3, 900], "peer": [4, 1000], "Dockerfile": [3, 950]},
    "bake of 50": {"bunnyfile": 6.0, "peer": 5.0, "Dockerfile": 3.0},
    "graphs": {
        "chain of 10": {
            "hutch": {"vertices": 10, "speed": 30_000.4, "made": 0.001, "memory": 2248.0},
            "Go": {"vertices": 10, "speed": 15_000.2, "made": 0.0001, "memory": 4496.0},
        }
    },
}


def test_ratios_have_the_other_side_named() -> None:
    text = page.render(RESULT)
    assert "| wall, ratio of hutch to it | 1.00 | 1.25 | 2.00 |" in text
    assert "| CPU of the frontend's process | 70 ms | 35 ms |  |" in text
    bakes = "| 50 files in one warm bake, medians of 3 bakes | 6.0 s (1.00) | 5.0 s (1.20) | "
    assert f"{bakes}3.0 s (2.00) |" in text
    assert "| wall (ratio): initrd, of a program | 500 ms (1.00) | 400 ms (1.25) |  |" in text
    assert "| the Go tool | 4 | 1000 | 900 |" in text
    assert "- the Go tool, 1: Ping" in text
    assert "| the garbage collector on | 60.0 ms | +10.0 ms |" in text
    assert "| chain of 10: vertices marshalled a second | 30,000 | 15,000 (2.00) |" in text
    assert "| chain of 10: made and marshalled a second | 7,500 | 13,044 (0.57) |" in text
    assert "| chain of 10: bytes of memory for a vertex | 2,248 | 4,496 (0.50) |" in text
    assert "on 2 cores (A), Docker 28.5, with a load of 0.5" in text
    assert "The Go tool is [bunny](https://github.com/nubificus/bunny) v1.2, which" in text
    assert "the source tree in `HUTCH_BENCH_BUILDKIT` (v0.31-7-gabc), which" in text


def test_each_table_says_what_it_is_of() -> None:
    started = {"load": 0.5, "starts": {"a": {"size": 1, "initrd": 0, "seconds": 0.1}}}
    bsd = {"tools": 1, "bare_tools": 1, "kernel": 1, "bare_kernel": 1, "option": 1, "app_steps": 0}
    text = page.render({**RESULT, "rounds": 7, "unikernels": started, "bsd": {"NetBSD": bsd}})
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")[1:]}
    for heading, said in {
        "A warm build of a v0.1 file": "medians of 7 builds",
        "Where the time of our process goes": "medians of 7 warm builds",
        "What each trick of a start saves": "medians of 7 processes",
        "Many at once": "medians of 3 bakes",
        "Graphs": "medians of 3 processes",
        "NetBSD's kernel": "of one run",
        "Unikernels, and Linux beside them": "medians of 5 starts",
    }.items():
        assert said in sections[heading], heading


def test_contexts_and_sizes() -> None:
    """Parts that older results lack."""
    found = {
        "large": {"bunnyfile": 0.5, "peer": 2.0, "Dockerfile": 0.25},
        "added": {"bunnyfile": 0, "peer": 1, "Dockerfile": 0},
        "layers": {"bunnyfile": 3, "peer": None, "Dockerfile": 153},
        "load": 1.5,
    }
    speeds = {"wide": {"1000": 50_000.4, "10000": 49_000.0}}
    counts = {**RESULT["counts"], "contexts": 5, "sizes": 3}
    more = {"contexts": found, "sizes": {"load": 2.5, "speeds": speeds}, "counts": counts}
    text = page.render({**RESULT, **more})
    assert "daemon: medians of 5 builds. The other rows count one build" in text
    assert "at a load of 1.5." in text
    assert "0.50 s (1.00) | 2.00 s (0.25) | 0.25 s (2.00) |" in text
    assert "| layers of an image of 150 files, each named | 3 | the build fails | 153 |" in text
    assert "medians of 3 processes, at a load of 2.5" in text
    assert "|  | 1,000 | 10,000 |" in text
    assert "| wide | 50,000 | 49,000 |" in text


def test_without_the_peer_and_a_log() -> None:
    sides = ("image_bytes", "warm", "warm initrd, of a program", "layers", "moved", "bake of 50")
    result = {**RESULT, "profile": None, "processes": {}}
    for key in sides:
        result[key] = {name: value for name, value in RESULT[key].items() if name != "peer"}
    text = page.render(result)
    assert "| the Go tool |" not in text
    assert "CPU of the frontend's process" not in text
    assert "Where the time of our process goes" not in text


def test_kernels() -> None:
    boot = {
        "version": "6.12.1",
        "size": 4_000_000,
        "to_init": 0.5,
        "wall": 1.25,
        "memory": 30_000_000,
        "phases": {},
    }
    boots = {
        "Debian": {**boot, "size": 8_000_000, "to_init": 1.0},
        "microvm": {**boot, "phases": {"drivers": 0.025}},
        "theirs": boot,
    }
    first = {"compiler": 41.2, "added": 63.9, "fetched": 230_400_000}
    linux = {"builds": None, "first": first, "boots": boots}
    text = page.render({**RESULT, "linux": linux})
    assert "calls a compiler after 41 s, when apt has fetched 230.4 MB" in text
    assert "would take 64 s" in text
    assert "| theirs | 6.12.1 | 4.0 MB | 0.50 | 0.50 s | 0.50 | 1.25 s | 30.0 MB |" in text
    assert "| drivers | 25 ms |" in text
    assert "container with 256 MiB: medians of 5 boots." in text


def test_the_page_is_of_this_form() -> None:
    written = (ROOT / "docs/performance.md").read_text().splitlines()
    headings = [line for line in written if line.startswith("#")]
    made = [line for line in page.render(RESULT).splitlines() if line.startswith("#")]
    assert [each for each in headings if each in made] == made
