"""Processes that are remembered, recalled and stopped."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from engine import process


def test_start_time_is_found_behind_a_nasty_name() -> None:
    fields = ["S", "1", *(str(n) for n in range(5, 53))]
    assert process.start_time(f"42 (a) b (c)) {' '.join(fields)}") == "22"
    assert process.start_time(f"42 (dead) {' '.join(['Z', *fields[1:]])}") is None


def test_a_record_is_recalled_only_for_the_very_process(tmp_path: Path) -> None:
    record = tmp_path / "process.json"
    me = process.identify(os.getpid())
    assert me is not None
    process.remember(record, me)
    assert process.recall(record) == me
    process.remember(record, process.ProcessId(me.pid, str(int(me.start) - 1), me.boot))
    assert process.recall(record) is None
    process.remember(record, process.ProcessId(me.pid, me.start, "another boot"))
    assert process.recall(record) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "x": 2}'])
def test_a_broken_record_is_no_process(tmp_path: Path, text: str) -> None:
    record = tmp_path / "process.json"
    record.write_text(text)
    assert process.recall(record) is None
    assert not process.stop(record)
    assert not record.exists()


@pytest.mark.parametrize("ignore", ["", "trap '' TERM;"])
def test_stop_ends_a_process_even_one_that_ignores_it(tmp_path: Path, ignore: str) -> None:
    record = tmp_path / "process.json"
    script = f"{ignore} echo ready; while :; do sleep 0.01; done"
    with subprocess.Popen(("/bin/sh", "-c", script), stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        started = process.identify(child.pid)
        assert started is not None
        process.remember(record, started)
        assert process.stop(record, patience=0.2)
        assert child.wait() == (-9 if ignore else -15)
    assert not record.exists()
