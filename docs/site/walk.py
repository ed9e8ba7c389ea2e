"""Walk the built site in a headless Chromium: `walk.py SITE [PICTURES]`, by the site's Python.

Prints what is wrong, a line each, and ends with 1 if anything is: a link or an anchor that is not
there, an error on the console, a request that fails or goes elsewhere, a page that is wider than a
phone. PICTURES is a folder for pictures of some pages, for people to look at.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHOWN = ("", "getting-started/", "concepts/", "comparison/", "examples/linux-redis/", "rules/")


class Page(HTMLParser):
    """What a page links to, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.add(value)
            elif value and name in ("id", "name"):
                self.places.add(value)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing: what is missing is reported by the page that wants it."""


def pages(site: Path) -> dict[str, Page]:
    """The pages by their address below the site's."""
    found = {}
    for path in sorted(site.rglob("index.html")):
        address = path.relative_to(site).as_posix().removesuffix("index.html")
        found[address] = Page(path.read_text(encoding="utf-8"))
    return found


def dead_links(site: Path, found: dict[str, Page]) -> Iterator[str]:
    """Links inside the site that lead nowhere."""
    for address, page in found.items():
        for link in sorted(page.links):
            target = urlsplit(urljoin(f"http://site/{address}", link))
            if target.netloc != "site" or target.scheme != "http":
                continue
            path = unquote(target.path).lstrip("/")
            if path in found:
                place = unquote(target.fragment)
                if place and place not in found[path].places:
                    yield f"{address}: {link}: there is no such place"
            elif not (site / path).is_file():
                yield f"{address}: {link}: there is no such page"


def seen(site: Path, addresses: list[str], pictures: Path | None) -> Iterator[str]:
    """What a browser has against the pages."""
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        phone = browser.new_page(viewport=PHONE)
        noted: list[str] = []
        phone.on("console", lambda said: noted.append(said.text) if said.type == "error" else None)
        phone.on("pageerror", lambda error: noted.append(str(error)))
        phone.on(
            "request",
            lambda asked: (
                noted.append(f"asks {asked.url}")
                if not asked.url.startswith((base, "data:", "blob:"))
                else None
            ),
        )
        for address in addresses:
            phone.goto(base + address, wait_until="load")
            wide = phone.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if wide > 0:
                yield f"{address}: {wide} pixels wider than a phone"
            yield from (f"{address}: {each}" for each in noted)
            noted.clear()
        # The search is part of every page: its answers come from this site alone.
        phone.goto(base, wait_until="networkidle")
        phone.evaluate("document.querySelector('[data-md-toggle=search]').click()")
        # The page reads the field when a key goes up: a value that is put into it may go unread.
        phone.locator("input.md-search__input").press_sequentially("volume")
        phone.wait_for_selector(".md-search-result__item")
        yield from (f"search: {each}" for each in noted)
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            for kind, size in (("phone", PHONE), ("desk", DESK)):
                shown = browser.new_page(viewport=size)
                for address in SHOWN:
                    shown.goto(base + address, wait_until="load")
                    name = address.strip("/").replace("/", "-") or "home"
                    shown.screenshot(path=pictures / f"{name}-{kind}.png")
        browser.close()
    server.shutdown()


def main(site: Path, pictures: Path | None) -> int:
    """Print all faults; the exit status says whether there are any."""
    found = pages(site)
    faults = [*dead_links(site, found), *seen(site, sorted(found), pictures)]
    print("\n".join(faults))
    print(f"{len(found)} pages walked", file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
