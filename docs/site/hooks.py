"""What the site is made of beside `docs/`: hooks of mkdocs, which `mkdocs.yml` names.

A page is written once, where people who read the sources look for it. The site has the READMEs of
frameworks and examples too, under names of its own; links between pages lead to the same pages on
the site, and a link to a file that is no page becomes its text.
"""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GRAPHS = ROOT / "build/docs/graphs"
PICTURES = ROOT / "docs/pictures"
SCHEMA = ROOT / "build/docs/bunnyfile.schema.json"

_LINK = re.compile(r"(?<!!)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^( *)(```|~~~).*\n(?:.*\n)*?\1\2", re.M)
_GRAPH = """
## What is built

The build graph, drawn from what BuildKit is given: a box is a step, an arrow what another takes
from it.

<div class="graph" markdown>
[![Build graph of {name}](../graphs/{name}.svg)](../graphs/{name}.svg)
</div>
"""
_PICTURE = """
## What it looks like

![{name}, booted by hutch run](../pictures/example-{name}.svg)
"""
_PRINTS = """
## What it prints

The tests build this example, boot it, and look for these lines in what its guest prints:

```text
{lines}
```
"""
_LISTS = ("errors", "rules", "adr")


def pages() -> dict[str, str]:
    """The pages from outside `docs/`: path in the sources -> path on the site."""
    found = {
        "README.md": "index.md",
        "CHANGELOG.md": "changelog.md",
        "CONTRIBUTING.md": "contributing.md",
        "llb/README.md": "llb.md",
        "examples/README.md": "examples/index.md",
    }
    for path in sorted([*ROOT.glob("frameworks/*/README.md"), *ROOT.glob("examples/*/README.md")]):
        room, name = path.relative_to(ROOT).parts[:2]
        found[f"{room}/{name}/README.md"] = f"{room}/{name}.md"
    return found


def page_of(source: str) -> str:
    """The page of the site that a path in the sources is; "" for what is no page."""
    if source in pages():
        return pages()[source]
    inside = source.removeprefix("docs/")
    if inside == source:
        page = pages().get(f"{source}/README.md", "")
        return page
    if inside in _LISTS:
        return f"{inside}/index.md"
    path = ROOT / source
    return inside if path.is_file() and not inside.startswith("site/") else ""


def linked(text: str, source: str) -> str:
    """A page's text with its links as the site has them; `source` is its path in the sources."""
    here = posixpath.dirname(page_of(source))

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        if re.match(r"[a-z]+:|#", target):
            return found[0]
        path, hash_, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        page = page_of(path)
        if not page:
            return words
        return f"[{words}]({posixpath.relpath(page, here or '.')}{hash_}{anchor})"

    parts, last = [], 0
    for block in _FENCED.finditer(text):
        parts += [_LINK.sub(link, text[last : block.start()]), block[0]]
        last = block.end()
    return "".join([*parts, _LINK.sub(link, text[last:])])


def _listed(folder: str) -> str:
    """The list of a folder's pages: each with its title and its first sentence."""
    titles = {"errors": "Errors", "rules": "Lint rules", "adr": "Decisions"}
    lines = [f"# {titles[folder]}\n"]
    for path in sorted((ROOT / "docs" / folder).glob("*.md")):
        title, _, rest = path.read_text().removeprefix("# ").partition("\n")
        first = " ".join(rest.strip().split("\n\n")[0].split())
        sentence = first.partition(". ")[0].rstrip(".:")
        lines.append(f"- [{title}]({path.name}): {sentence}.")
    return "\n".join(lines) + "\n"


def pictured(example: str) -> Path:
    """Where the picture of an example's guest is, if there is one."""
    return PICTURES / f"example-{example}.svg"


def _output(name: str) -> str:
    """A section for an example's page: what tests look for in its guest's output; "" where none."""
    test = ROOT / "examples" / name / "test.toml"
    guest = tomllib.loads(test.read_text()).get("guest", {}) if test.exists() else {}
    lines = "\n".join(guest.get("prints", ()))
    return _PRINTS.format(lines=lines) if lines else ""


def _added() -> Iterator[tuple[str, str | bytes]]:
    """The site's files that are not in `docs/`, with their content."""
    for source, page in pages().items():
        text = linked((ROOT / source).read_text(), source)
        name = Path(source).parent.name
        if source.startswith("examples/"):
            text += _PICTURE.format(name=name) if pictured(name).exists() else ""
            text += _output(name)
        if (GRAPHS / f"{name}.svg").exists():
            text += _GRAPH.format(name=name)
        yield page, text
    for folder in _LISTS:
        yield f"{folder}/index.md", _listed(folder)
    if SCHEMA.exists():
        yield SCHEMA.name, SCHEMA.read_bytes()
    for path in sorted(GRAPHS.glob("*.svg")):
        yield f"graphs/{path.name}", path.read_bytes()


def on_config(config: Any) -> Any:
    """List frameworks and examples in the navigation (mkdocs): new ones come now and then."""
    for room in ("frameworks", "examples"):
        title = room.capitalize()
        entry = next(each for each in config["nav"] if title in each)
        found = [page for page in pages().values() if page.startswith(f"{room}/")]
        entry[title] = [
            page if page.endswith("/index.md") else {_title(page): page} for page in found
        ]
    return config


def _title(page: str) -> str:
    """The first heading of a page from elsewhere, or its name where that is shorter to say."""
    source = next(source for source, each in pages().items() if each == page)
    if source.startswith("examples/"):
        return Path(page).stem
    return (ROOT / source).read_text().partition("\n")[0].removeprefix("# ")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages from elsewhere (mkdocs)."""
    from mkdocs.structure.files import File

    for path, content in _added():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of a page of `docs/` into those of the site (mkdocs)."""
    if page.file.generated_by is not None:
        return markdown
    return linked(markdown, f"docs/{page.file.src_uri}")
