"""What contexts the bench makes for the frontends that it compares."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import builds, contexts, image

IMAGES = {"bunnyfile": "registry/hutch", "peer": "registry/peer"}


def test_many_files_are_the_same_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is named, and has what it is; a side whose build fails has no figure."""

    def build(directory: Path, file: str, *_: str) -> float:
        text = (directory / file).read_text()
        form = "COPY file-{0} /file-{0}\n" if file == "Dockerfile" else ", file-{0}:/file-{0}"
        for number in range(contexts.INCLUDES):
            assert form.format(number) in text
            assert (directory / f"file-{number}").read_text() == f"file-{number}"
        if file == "peer":
            raise SystemExit("max depth exceeded")
        return 1.0

    monkeypatch.setattr(builds, "build", build)
    monkeypatch.setattr(image, "layers", lambda name: (len(name), 0))
    found = contexts.layers(tmp_path / "it", IMAGES, "r")
    assert found == {
        "bunnyfile": len("r/bench-includes:bunnyfile"),
        "peer": None,
        "Dockerfile": len("r/bench-includes:dockerfile"),
    }


def test_a_context_of_which_little_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each build has a new one, and the first of each is not counted."""
    monkeypatch.setattr(contexts, "UNUSED", 5000)
    seen = []

    def build(directory: Path, file: str, *_: str) -> float:
        sizes = {each.name: each.stat().st_size for each in directory.iterdir()}
        assert (sizes["unused"], sizes["hello"], sizes["vmlinuz"]) == (5000, 1024, 1024)
        seen.append(directory)
        return float(len(seen))

    monkeypatch.setattr(builds, "build", build)
    found = contexts.large(tmp_path / "it", IMAGES, 1)
    assert found == {"bunnyfile": 4.0, "peer": 5.0, "Dockerfile": 6.0}
    assert len(set(seen)) == 6
