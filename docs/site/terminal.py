"""A terminal's output as an animated picture: SVG, with no script and nothing from elsewhere.

    frames = Screen(72, 24).frames([(0.0, "$ ls\\r\\n"), (0.4, "a b\\r\\n")])
    svg = animated(frames, 72, 24, title="ls")

pyte emulates the terminal. Each line that is ever shown is drawn once; a frame is those lines at
their heights, and CSS shows one frame after another. Who asked for no motion sees the last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

Event = tuple[float, str]
"""What a terminal was given, and when, in seconds from the start."""

_WIDTH, _HEIGHT, _PADDING = 8.4, 18, 12
_GROUND, _INK = "#1d2129", "#d7dae0"
_COLOURS = {
    "black": "#5c6370",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#ffffff",
}

Run = tuple[str, str, bool]
"""Text of one look: the text, its colour, whether it is bold."""

Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What is on the screen from a moment on, in seconds: for each line its runs of text."""

    at: float
    lines: tuple[Line, ...]


class Screen:
    """A terminal of so many columns and lines."""

    def __init__(self, columns: int, lines: int) -> None:
        import pyte  # of the site's environment alone

        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self._screen)

    def frames(
        self, events: Iterable[Event], *, apart: float = 0.12, idle: float = 1.0
    ) -> list[Frame]:
        """The screens that differ, at least `apart` seconds from each other.

        Where nothing comes for longer than `idle` the time is cut to that.
        """
        found: list[Frame] = []
        now = last = 0.0
        for at, data in events:
            now += min(at - last, idle)
            last = at
            self._stream.feed(data)
            lines = self._lines()
            if found and now - found[-1].at < apart:
                found[-1] = Frame(found[-1].at, lines)
            elif not found or found[-1].lines != lines:
                found.append(Frame(now, lines))
        return found

    def _lines(self) -> tuple[Line, ...]:
        return tuple(self._runs(line) for line in range(self._screen.lines))

    def _runs(self, line: int) -> Line:
        runs: list[Run] = []
        cells = self._screen.buffer[line]
        for column in range(self._screen.columns):
            cell = cells[column]
            colour = _COLOURS.get(cell.fg, _INK if cell.fg == "default" else f"#{cell.fg}")
            if runs and runs[-1][1:] == (colour, cell.bold):
                runs[-1] = (runs[-1][0] + cell.data, colour, cell.bold)
            else:
                runs.append((cell.data, colour, cell.bold))
        while runs and not runs[-1][0].strip():
            runs.pop()
        if runs:
            runs[-1] = (runs[-1][0].rstrip(), *runs[-1][1:])
        return tuple(runs)


def animated(
    frames: Sequence[Frame], columns: int, lines: int, *, title: str, pause: float = 4.0
) -> str:
    """The SVG of `frames`, which begins anew `pause` seconds after the last."""
    width = round(columns * _WIDTH + 2 * _PADDING)
    height = lines * _HEIGHT + 2 * _PADDING
    total = frames[-1].at + pause
    numbers: dict[Line, int] = {}
    drawn, shown, steps = list[str](), list[str](), list[str]()
    for number, frame in enumerate(frames):
        uses = []
        for line, runs in enumerate(frame.lines):
            if not runs:
                continue
            if runs not in numbers:
                numbers[runs] = len(numbers)
                drawn.append(f'<text id="l{numbers[runs]}">{_spans(runs)}</text>')
            y = _PADDING + line * _HEIGHT + 13
            uses.append(f'<use href="#l{numbers[runs]}" x="{_PADDING}" y="{y}"/>')
        shown.append(f'<g id="f{number}">{"".join(uses)}</g>')
        begin = frame.at / total * 100
        end = (frames[number + 1].at if number + 1 < len(frames) else total) / total * 100
        hide = f"{end:.3f}%{{visibility:hidden}}" if end < 100 else ""
        steps.append(
            f"@keyframes k{number}{{0%{{visibility:{'visible' if begin == 0 else 'hidden'}}}"
            f"{begin:.3f}%{{visibility:visible}}{hide}}}"
            f"#f{number}{{animation:k{number} {total:.2f}s step-end infinite}}"
        )
    still = "".join(f"#f{number}," for number in range(len(frames) - 1)).rstrip(",")
    calm = "*{animation:none!important}" + (f"{still}{{visibility:hidden}}" if still else "")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f"aria-label={quoteattr(title)}>\n<title>{escape(title)}</title>\n"
        f"<style>text{{font:14px ui-monospace,Menlo,Consolas,monospace;white-space:pre}}\n"
        + "\n".join(steps)
        + f"\n@media (prefers-reduced-motion:reduce){{{calm}}}</style>\n"
        f'<rect width="{width}" height="{height}" rx="6" fill="{_GROUND}"/>\n'
        f"<defs>{''.join(drawn)}</defs>\n" + "\n".join(shown) + "\n</svg>\n"
    )


def _spans(runs: Sequence[Run]) -> str:
    """A line's text; each run is as wide as its columns, whatever font there is."""
    spans, column = [], 0
    for text, colour, bold in runs:
        shown = text.strip()
        if shown:
            at = column + len(text) - len(text.lstrip())
            weight = ' font-weight="bold"' if bold else ""
            spans.append(
                f'<tspan x="{at * _WIDTH:.1f}" textLength="{len(shown) * _WIDTH:.1f}" '
                f'lengthAdjust="spacingAndGlyphs" fill="{colour}"{weight}>{escape(shown)}</tspan>'
            )
        column += len(text)
    return "".join(spans)
