"""The reference page is what the schema says."""

from __future__ import annotations

from frontend.bunnyfile.reference import PAGE, README, page, with_table


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make gen"


def test_the_table_of_frameworks_is_fresh() -> None:
    readme = README.read_text(encoding="utf-8")
    assert readme == with_table(readme), "run: make gen"


def test_every_key_has_a_description() -> None:
    for section in page().split("\n#")[1:]:
        title, _, text = section.partition("\n")
        first = text.strip().partition("\n")[0]
        assert first, title
        assert not first.startswith(("One of", "Default", "For example")), title


def test_required_keys_and_defaults_are_marked() -> None:
    sections = {
        title.strip("#` "): text
        for title, _, text in (part.partition("\n") for part in page().split("\n##")[1:])
    }
    required = {name for name, text in sections.items() if "**Required.**" in text}
    assert required == {
        "version",
        "platforms",
        "platforms.framework",
        "platforms.monitor",
        "kernel.from",
        "app.secrets[].id",
        "rootfs.include[].source",
        "rootfs.include[].destination",
    }
    assert "Default: what the files need." in sections["rootfs.size"]
    assert "Default: `scratch`." in sections["rootfs.from"]
