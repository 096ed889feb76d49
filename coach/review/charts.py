"""Charts as inline SVG: no script, prints sharp, follows the page's colours through its classes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 720
_LABELS = 190
_ROW = 30
_FONT = 13
_RIGHT = 56
_FIRST_CJK = 0x2E80


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, length, what is written at its end, and a CSS class."""

    label: str
    value: float
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line or one row of an interval chart. `value` is None where nothing was measured."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    text: str = ""
    kind: str = ""


def columns(
    bars: Sequence[Bar], *, name: str, title: str, mark: float | None = None, top: float = 100
) -> Markup:
    """Return upright bars over a scale from 0 to `top`, a dashed line at `mark` on it."""
    height, base, left = 220, 186, 8
    step = (WIDTH - 2 * left) / max(1, len(bars))
    tallest = max([bar.value for bar in bars], default=0) or 1
    parts, values = [], []
    for index, bar in enumerate(bars):
        tall = 140 * bar.value / tallest
        x = left + index * step
        middle = x + step / 2
        parts.append(
            _rect(x + 3, base - tall, step - 6, tall, f"bar {bar.kind}", hint=f"{bar.label} · {bar.text}")
        )
        parts.append(_text(middle, base + 18, bar.label, "axis", anchor="middle"))
        if bar.value:
            values.append(_text(middle, base - tall - 6, bar.text, "value", anchor="middle"))
    parts.append(_line(left, base, WIDTH - left, base, "base"))
    if mark is not None:
        x = left + (WIDTH - 2 * left) * min(max(mark / top, 0), 1)
        parts.append(_line(x, 12, x, base, "mark"))
    return _svg(parts + values, height, name=name, title=title)


def rows(bars: Sequence[Bar], *, name: str, title: str) -> Markup:
    """Return lying bars, one a line, the label to the left."""
    longest = max([bar.value for bar in bars], default=0) or 1
    room = WIDTH - _LABELS - _RIGHT - 60
    parts = []
    for index, bar in enumerate(bars):
        y = index * _ROW
        long = room * bar.value / longest
        parts.append(_text(_LABELS - 10, y + 19, _fit(bar.label, _LABELS - 12), "label", anchor="end"))
        parts.append(
            _rect(_LABELS, y + 5, max(long, 1.5), 20, f"bar {bar.kind}", hint=f"{bar.label} · {bar.text}")
        )
        parts.append(_text(_LABELS + long + 8, y + 19, bar.text, "value"))
    return _svg(parts, max(1, len(bars)) * _ROW + 4, name=name, title=title)


def intervals(points: Sequence[Point], *, name: str, title: str, mean: float) -> Markup:
    """Return a dot with its interval per line, and a dashed line at the mean of all."""
    far = max([point.high or 0 for point in points] + [mean], default=1) or 1
    ticks = _ticks(0, far)
    scale = (WIDTH - _LABELS - _RIGHT) / ticks[-1]
    foot = max(1, len(points)) * _ROW + 4
    parts = [_line(_LABELS + tick * scale, 0, _LABELS + tick * scale, foot, "grid") for tick in ticks]
    parts += [
        _text(_LABELS + tick * scale, foot + 16, f"{tick:g}", "axis", anchor="middle") for tick in ticks
    ]
    parts.append(_line(_LABELS + mean * scale, 0, _LABELS + mean * scale, foot, "mark"))
    for index, point in enumerate(points):
        y = index * _ROW + _ROW / 2
        parts.append(_text(_LABELS - 10, y + 4, _fit(point.label, _LABELS - 12), "label", anchor="end"))
        if point.value is None:
            parts.append(_text(_LABELS + 8, y + 4, point.text, "axis"))
            continue
        if point.low is not None and point.high is not None:
            parts.append(
                _line(_LABELS + point.low * scale, y, _LABELS + point.high * scale, y, f"span {point.kind}")
            )
        parts.append(
            f'<circle class="dot {point.kind}" cx="{_LABELS + point.value * scale:.1f}" cy="{y:.1f}" r="5">'
            f"<title>{escape(point.label)} · {escape(point.text)}</title></circle>"
        )
        parts.append(_text(WIDTH - 4, y + 4, f"{point.value:.1f}", "value", anchor="end"))
    return _svg(parts, foot + 22, name=name, title=title)


def line(
    points: Sequence[Point], *, name: str, title: str, floor_at: float | None = 0, span: float = 0.5
) -> Markup:
    """Return a line through the points, with gaps where nothing was measured and a band for their intervals.

    Args:
        points: in order, evenly spaced.
        name: unique in the page, for the ids of title and description.
        title: what is shown.
        floor_at: where the scale begins; None: a little below the lowest point.
        span: the scale covers at least this much, so that small changes look small.
    """
    left, right, top, base = 44, 12, 10, 150
    known = [point for point in points if point.value is not None]
    highest = max([_high(point) for point in known], default=1)
    lowest = min([_low(point) for point in known], default=0) if floor_at is None else floor_at
    ticks = _ticks(lowest, highest, span=span)
    low, high = ticks[0], ticks[-1]
    step = (WIDTH - left - right) / max(1, len(points) - 1)

    def x(index: int) -> float:
        return left + index * step if len(points) > 1 else (left + WIDTH - right) / 2

    def y(value: float) -> float:
        return base - (base - top) * (value - low) / (high - low)

    parts = []
    for tick in ticks:
        parts.append(_line(left, y(tick), WIDTH - right, y(tick), "grid"))
        parts.append(_text(left - 8, y(tick) + 4, f"{tick:g}", "axis", anchor="end"))
    for run in _runs(points):
        upper = [f"{x(index):.1f},{y(_high(points[index])):.1f}" for index in run]
        lower = [f"{x(index):.1f},{y(_low(points[index])):.1f}" for index in reversed(run)]
        parts.append(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
        middle = " ".join(f"{x(index):.1f},{y(points[index].value or 0):.1f}" for index in run)
        parts.append(f'<polyline class="line" points="{middle}"/>')
    for index, point in enumerate(points):
        if point.value is not None:
            parts.append(
                f'<circle class="point" cx="{x(index):.1f}" cy="{y(point.value):.1f}" r="3">'
                f"<title>{escape(point.label)} · {escape(point.text)}</title></circle>"
            )
    every = max(1, ceil(len(points) / 10))
    for index in range(0, len(points), every):
        anchor = "end" if index == len(points) - 1 and len(points) > 1 else "middle"
        parts.append(_text(x(index), base + 18, points[index].label, "axis", anchor=anchor))
    return _svg(parts, base + 26, name=name, title=title)


def stack(bars: Sequence[Bar], *, name: str, title: str) -> Markup:
    """Return one lying bar cut into its parts, with a legend below."""
    whole = sum(bar.value for bar in bars) or 1
    parts, at, legend = [], 0.0, 0.0
    for bar in bars:
        long = WIDTH * bar.value / whole
        if long:
            parts.append(
                _rect(at, 4, max(long - 2, 1), 30, f"bar {bar.kind}", hint=f"{bar.label} · {bar.text}")
            )
        at += long
        words = f"{bar.label} {bar.text}"
        parts.append(_rect(legend, 48, 12, 12, f"bar {bar.kind}"))
        parts.append(_text(legend + 18, 59, words, "label"))
        legend += 18 + _width(words) + 22
    return _svg(parts, 68, name=name, title=title)


def _high(point: Point) -> float:
    return point.high if point.high is not None else point.value or 0


def _low(point: Point) -> float:
    return point.low if point.low is not None else point.value or 0


def _runs(points: Sequence[Point]) -> Iterable[list[int]]:
    run: list[int] = []
    for index, point in enumerate(points):
        if point.value is not None:
            run.append(index)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _ticks(low: float, high: float, *, span: float = 0.5) -> list[float]:
    """Return three to six round numbers that enclose the range."""
    low, span = min(low, max(high - span, 0)), max(high - low, span)
    raw = span / 4
    power: float = 10.0 ** floor(log10(raw))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= raw)
    first, last = floor(low / step), ceil((low + span) / step)
    return [round(index * step, 6) for index in range(first, last + 1)]


def _svg(parts: Iterable[str], height: float, *, name: str, title: str) -> Markup:
    inner = Markup("\n").join(Markup(part) for part in parts)  # noqa: S704 - built and escaped above
    return Markup(  # noqa: S704 - every value is escaped or a number
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="{name}-title">'
        f'<title id="{name}-title">{escape(title)}</title>{inner}</svg>'
    )


def _rect(x: float, y: float, width: float, height: float, kind: str, *, hint: str = "") -> str:
    inner = f"<title>{escape(hint)}</title>" if hint else ""
    return (
        f'<rect class="{kind.strip()}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2">'
        f"{inner}</rect>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind.strip()}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, kind: str, *, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _width(text: str) -> float:
    return sum(_FONT if ord(letter) >= _FIRST_CJK else _FONT * 0.56 for letter in text)


def _fit(text: str, room: float) -> str:
    if _width(text) <= room:
        return text
    while text and _width(text) > room - _FONT:
        text = text[:-1]
    return text + "…"
