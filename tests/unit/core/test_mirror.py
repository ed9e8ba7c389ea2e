"""tests/unit is the source's mirror: where a module's unit tests are needs no search."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.places import ROOT

UNIT = ROOT / "tests" / "unit"
SOURCES = {".py", ".c", ".sh"}
ELSEWHERE = {
    "core": "what rooms keep between them: scaffolding, fuzzer, llb's oracle, this mirror",
    "docs": "the pages of docs/, held to the code",
}


def named_by(test: Path) -> Iterator[Path]:
    """What the path of a test, relative to tests/unit, may name, without a suffix.

    `test_MODULE.py` is beside the module and may say more: `test_MODULE_what.py`. A room's own
    tests have the room's name: `ROOM/test_ROOM.py`.
    """
    words = test.stem.removeprefix("test_").split("_")
    for end in range(len(words), 0, -1):
        name = "_".join(words[:end])
        yield test.parent / name
        if name == test.parent.name:
            yield test.parent


def exists(source: Path) -> bool:
    path = ROOT / source
    return path.is_dir() or any(path.with_name(path.name + suffix).exists() for suffix in SOURCES)


def test_each_unit_test_is_where_its_module_is() -> None:
    tests = [path.relative_to(UNIT) for path in UNIT.rglob("test_*.py")]
    assert len(tests) > 80
    mirrored = [test for test in tests if test.parts[0] not in ELSEWHERE]
    lost = sorted(str(test) for test in mirrored if not any(map(exists, named_by(test))))
    assert lost == []


def test_the_mirror_holds_rooms_modules_and_what_is_said_of_them() -> None:
    def named(test: str) -> bool:
        return any(map(exists, named_by(Path(test))))

    assert named("frontend/test_plan.py")
    assert named("frontend/test_plan_sources.py")
    assert named("frontend/bunnyfile/test_bunnyfile.py")
    assert named("frameworks/init/test_bsd_start.py")  # bsd.c
    assert not named("frontend/test_nothing_like_it.py")
    assert not named("frontend/bunnyfile/test_plan.py")
    assert not named("bunnyfile/test_yaml.py")


def test_what_is_not_mirrored_is_there() -> None:
    assert all((UNIT / name).is_dir() and why for name, why in ELSEWHERE.items())
