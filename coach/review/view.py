"""The charts and tables of the report, each chart with a table that says the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from coach.review import charts
from coach.review.charts import Bar, Point
from coach.review.rate import Rate
from coach.review.tables import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from coach.review.tables import Promise, Tables
    from coach.review.wording import Wording

_BINS = 10
_LONGEST_DAILY = 62
_TEAMS_DRAWN = 30
_AGENTS_DRAWN = 20
_ITEMS_DRAWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; `value` sorts it when it is a number."""

    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption; `sortable` ones get sort buttons."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sortable: bool = False

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Tell which columns hold numbers."""
        return tuple(
            any(row[column].value is not None for row in self.rows) for column in range(len(self.heads))
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and its twin."""

    title: str
    chart: Markup
    table: Table


def number(value: float, digits: int = 0) -> Cell:
    """Return a cell with a number."""
    return Cell(f"{value:,.{digits}f}", value)


def text(value: object) -> Cell:
    """Return a cell with words."""
    return Cell(str(value))


def scores(tables: Tables, words: Wording, *, passing: float | None = None) -> Figure:
    """Calls by score, in ten bins; those wholly below the pass mark in another colour."""
    top = max(100.0, *tables.points) if tables.points else 100.0
    counts = [0] * _BINS
    for points, calls in tables.points.items():
        counts[min(int(max(points, 0) * _BINS / top), _BINS - 1)] += calls
    size = top / _BINS
    labels = [f"{index * size:g}–{(index + 1) * size:g}" for index in range(_BINS)]
    mean = f"{tables.total.mean:.1f}"
    title = words("chart-scores", mean=mean)
    if passing is not None:
        title = words("chart-scores-pass", mean=mean, passing=f"{passing:g}")
    bars = [
        Bar(
            label,
            count,
            f"{count:,}",
            "fair" if passing is not None and (index + 1) * size <= passing else "",
        )
        for index, (label, count) in enumerate(zip(labels, counts, strict=True))
    ]
    rows = tuple(
        (text(label), number(count), _share(count, tables.total.calls))
        for label, count in zip(labels, counts, strict=True)
    )
    return Figure(
        title,
        charts.columns(bars, name="scores", title=title, mark=tables.total.mean, top=top),
        Table(title, (words("points"), words("calls"), words("share")), rows),
    )


def trend(tables: Tables, words: Wording) -> tuple[bool, list[Figure]]:
    """Return whether the steps are weeks, and the mean score and the rate by step; none below two days."""
    if len(tables.days) < 2:  # noqa: PLR2004 - a line needs two ends
        return False, []
    weekly, steps = _steps(tables)
    heads = (
        words("week" if weekly else "day"),
        words("calls"),
        words("mean"),
        words("per-hundred"),
        words("interval"),
    )
    rows = tuple(
        (
            text(day),
            number(group.calls),
            number(group.mean, 1) if group.calls else text(""),
            *_rate_cells(group.rate, words),
        )
        for day, group in steps
    )
    figures = []
    for key, name in (("trend-score", "score"), ("trend-rate", "rate")):
        points = [_point(f"{day:%m-%d}", group, name, words) for day, group in steps]
        chart = charts.line(
            points,
            name=f"trend-{name}",
            title=words(key),
            floor_at=None if name == "score" else 0,
            span=10 if name == "score" else 1,
        )
        figures.append(Figure(words(key), chart, Table(words(key), heads, rows)))
    return weekly, figures


def problems(tables: Tables, words: Wording) -> Figure:
    """Categories by the share of calls they occur in."""
    title = words("chart-problems")
    calls = tables.total.calls
    found = tables.total.categories.most_common()
    bars = [
        Bar(words.category(name), count, f"{Rate(count, calls).percent:.1f}\u00a0%")
        for name, count in found[:12]
    ]
    rows = tuple(
        (text(words.category(name)), number(count), _share(count, calls), number(tables.category_hits[name]))
        for name, count in found
    )
    heads = (words("category"), words("calls"), words("share"), words("count"))
    return Figure(title, charts.rows(bars, name="problems", title=title), Table(title, heads, rows))


def items(tables: Tables, words: Wording) -> Figure:
    """Lines of the scorecard, the costliest first; the chart shows what they cost per call."""
    ordered = sorted(tables.items.values(), key=lambda item: item.points)
    calls = tables.total.calls
    bars = [
        Bar(item.title, -item.points / calls, f"{-item.points / calls:.2f}", "fair")
        for item in ordered[:_ITEMS_DRAWN]
        if item.points < 0
    ]
    rows = tuple(
        (text(item.title), number(item.points, 1), number(item.count), number(item.calls), number(item.fatal))
        for item in ordered
    )
    heads = (words("item"), words("points-lost"), words("count"), words("calls"), words("fatal"))
    title = words("chart-items")
    return Figure(
        title, charts.rows(bars, name="items", title=title), Table(title, heads, rows, sortable=True)
    )


def groups(tables: Tables, found: Sequence[tuple[str, Group]], words: Wording, *, what: str) -> Figure:
    """Teams or agents with the interval of their rate, the highest first."""
    mean = tables.total.rate
    title = words("chart-interval", mean=f"{mean.percent:.1f}")
    points = [
        _point(name, group, "rate", words, kind=_side(group.rate, mean))
        for name, group in found[:_TEAMS_DRAWN]
    ]
    rows = tuple(
        (
            text(name),
            number(group.calls),
            number(group.agent_turns),
            *_rate_cells(group.rate, words),
            number(group.mean, 1),
            number(group.pass_rate.percent, 1),
            text("".join(words.category(most) for most, _ in group.categories.most_common(1))),
        )
        for name, group in found
    )
    heads = tuple(
        words(key) for key in (what, "calls", "turns", "per-hundred", "interval", "mean", "passed", "most")
    )
    chart = charts.intervals(points, name=f"{what}s", title=title, mean=mean.percent)
    return Figure(title, chart, Table(title, heads, rows, sortable=True))


def teams(tables: Tables) -> list[tuple[str, Group]]:
    """Return the teams, the highest rate first, small samples last."""
    return sorted(
        tables.teams.items(), key=lambda pair: (not pair[1].rate.enough, -pair[1].rate.percent, pair[0])
    )


def outside(tables: Tables) -> list[tuple[str, Group]]:
    """Return the agents whose rate differs from the mean by more than chance, the furthest above first."""
    mean = tables.total.rate
    found = [pair for pair in tables.agents.items() if pair[1].rate.enough and _side(pair[1].rate, mean)]
    found.sort(key=lambda pair: (-pair[1].rate.percent, pair[0]))
    if len(found) <= _AGENTS_DRAWN:
        return found
    half = _AGENTS_DRAWN // 2
    return found[:half] + found[-half:]


def shares(
    counts: Iterable[tuple[str, int]], tables: Tables, words: Wording, *, name: str, key: str
) -> Figure:
    """Named counts as shares of all calls."""
    title = words(key)
    found = list(counts)
    calls = tables.total.calls
    bars = [
        Bar(label, count, f"{Rate(count, calls).percent:.1f}\u00a0% · {count:,}") for label, count in found
    ]
    rows = tuple((text(label), number(count), _share(count, calls)) for label, count in found)
    heads = (words("kind"), words("calls"), words("share"))
    return Figure(title, charts.rows(bars, name=name, title=title), Table(title, heads, rows))


def adoption(tables: Tables, words: Wording) -> Figure:
    """What the agents said after a wording that should be changed."""
    total = tables.total
    left = max(0, total.advised - total.adopted - total.repaired - total.repeated)
    parts = (
        ("adopted", total.adopted, "good"),
        ("repaired", total.repaired, ""),
        ("repeated", total.repeated, "bad"),
        ("unanswered", left, "none"),
    )
    title = words("chart-adoption")
    bars = [Bar(words(key), count, f"{count:,}", kind) for key, count, kind in parts]
    rows = tuple((text(words(key)), number(count), _share(count, total.advised)) for key, count, _ in parts)
    return Figure(
        title,
        charts.stack(bars, name="adoption", title=title),
        Table(title, (words("kind"), words("count"), words("share")), rows),
    )


def promises(found: Iterable[Promise], words: Wording, *, caption: str) -> Table:
    """Commitments as a table; columns that none of them fills are left out."""
    columns = (
        ("call", lambda promise: promise.call_id),
        ("agent", lambda promise: promise.agent),
        ("said", lambda promise: promise.said),
        ("when", lambda promise: promise.when),
        ("due", lambda promise: f"{promise.due:%Y-%m-%d %H:%M}" if promise.due else ""),
    )
    kept = list(found)
    filled = [(words(key), get) for key, get in columns if any(map(get, kept))]
    rows = tuple(tuple(text(get(promise) or "—") for _, get in filled) for promise in kept)
    return Table(caption, tuple(head for head, _ in filled), rows)


def _steps(tables: Tables) -> tuple[bool, list[tuple[date, Group]]]:
    days = sorted(tables.days)
    span = (days[-1] - days[0]).days + 1
    if span <= _LONGEST_DAILY:
        every = [days[0] + timedelta(days=index) for index in range(span)]
        return False, [(day, tables.days.get(day, Group())) for day in every]
    weeks: defaultdict[date, Group] = defaultdict(Group)
    for day in days:
        weeks[day - timedelta(days=day.weekday())].join(tables.days[day])
    return True, sorted(weeks.items())


def _point(label: str, group: Group, name: str, words: Wording, *, kind: str = "") -> Point:
    if name == "score":
        value = group.mean if group.calls else None
        return Point(label, value, text=f"{group.mean:.1f}", kind=kind)
    rate = group.rate
    if not rate.enough:
        return Point(label, None, text=words("small"))
    span = f"{rate.percent:.1f} [{rate.low:.1f}–{rate.high:.1f}]"
    return Point(label, rate.percent, rate.low, rate.high, span, kind)


def _side(rate: Rate, mean: Rate) -> str:
    if not rate.enough:
        return ""
    low, high = rate.interval(sure=True)
    return "bad" if low > mean.percent else "good" if high < mean.percent else ""


def _share(count: int, total: int) -> Cell:
    percent = Rate(count, total).percent
    return Cell(f"{percent:.1f}\u00a0%", percent)


def _rate_cells(rate: Rate, words: Wording) -> tuple[Cell, Cell]:
    if not rate.enough:
        return text(words("small")), text("")
    return number(rate.percent, 1), text(f"{rate.low:.1f}–{rate.high:.1f}")
