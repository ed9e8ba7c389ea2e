"""The page with every key in one file is fresh, and the file is one."""

from __future__ import annotations

import re

from frontend import bunnyfile
from frontend.bunnyfile.reference import keys
from frontend.cli.wholefile import PAGE, page

_, WHOLE, _ = re.split(r"^```\w*\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make gen"


def test_every_key_is_there() -> None:
    """As it is written, or in a comment; those of items of a list where such an item is."""
    words = set(re.findall(r"^[\s#-]*(\w+):", WHOLE, re.MULTILINE))
    named = {name.rpartition(".")[2] for name, _ in keys(bunnyfile.schema("v1"))}
    assert named - words == {"required", "follow"}, "they have a default, and no example"


def test_it_is_a_file() -> None:
    loaded = bunnyfile.load(WHOLE.encode(), "bunnyfile", {})
    assert loaded.bunnyfile.kernel is not None
    assert loaded.bunnyfile.rootfs is not None
