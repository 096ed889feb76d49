"""The report: one HTML page that opens offline, loads nothing, and reads without script.

What it says comes from `story` and `view`; this module puts it into the page.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

from coach.review import charts, view
from coach.review.charts import Bar
from coach.review.rate import ENOUGH
from coach.review.story import story
from coach.review.transcript import clock, cut, turns_of

if TYPE_CHECKING:
    from pathlib import Path

    from coach.review.tables import Example, PickedCall, RuleCount, Tables
    from coach.review.view import Figure, Table
    from coach.review.wording import Wording

_RULES = 20
_UNSAFE = 10
_PROMISES = 10


@dataclass(frozen=True, slots=True)
class CardNote:
    """The scorecard's title and pass mark; "" and None when unknown."""

    title: str = ""
    passing: float | None = None


_NO_CARD = CardNote()


def read_card(path: Path) -> CardNote:
    """Read what summary.json says of the scorecard; nothing, when it is missing or of another version."""
    try:
        card = orjson.loads(path.read_bytes())["scorecard"]
        return CardNote(str(card["title"]), float(card["passing"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _NO_CARD


def render(tables: Tables, words: Wording, *, card: CardNote = _NO_CARD) -> str:
    """Return the report as HTML. `card` is what the summary says of the scorecard."""
    css, script = _asset("report.css"), _asset("report.js")
    # Nothing is ever fetched; the one style sheet and the one script are allowed by their digests.
    policy = (
        f"default-src 'none'; style-src '{_digest(css)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    content = _content(tables, words, card)
    order = ("scores", "trend", "problems", "teams", "agents", "customers", "commitments", "adoption")
    last = ("worst", "best", "quality")
    shown = [key for key in order if content.get(key)]
    shown += [{"quality": "data"}.get(key, key) for key in last if content.get(key)]
    return _page().render(
        t=words,
        policy=policy,
        css=Markup(css),  # noqa: S704 - our own file
        js=Markup(script),  # noqa: S704 - our own file
        contents=shown,
        **content,
    )


def _content(tables: Tables, words: Wording, card: CardNote) -> dict[str, Any]:
    weekly, trend = view.trend(tables, words)
    total = tables.total
    return {
        "story": story(tables, words),
        "unsafe": _unsafe(tables, words),
        "figures": _figures(tables, words) if total.calls else [],
        "span": f"{min(tables.days)} – {max(tables.days)}" if tables.days else "",
        "scores": view.scores(tables, words, passing=card.passing) if total.calls else None,
        "items": view.items(tables, words) if tables.items else None,
        "trend": trend,
        "weekly": weekly,
        "undated": tables.undated,
        "problems": view.problems(tables, words) if tables.rules else None,
        "rules": [_rule(rule, words) for rule in tables.by_count()[:_RULES]],
        "rules_rest": words("rules-rest", count=len(tables.rules) - _RULES)
        if len(tables.rules) > _RULES
        else "",
        "teams": view.groups(tables, view.teams(tables), words, what="team") if tables.teams else None,
        "agents": _agents(tables, words),
        "small_note": words("small-note", enough=ENOUGH),
        "names_note": _names_note(tables, words),
        **_customers(tables, words),
        **_commitments(tables, words),
        "adoption": view.adoption(tables, words) if total.advised else None,
        "worst": [_call(picked, tables, words) for picked in tables.worst],
        "best": [_call(picked, tables, words) for picked in tables.best],
        "quality": _quality(tables, words),
        "made_by": _made_by(tables, words, card),
    }


def _figures(tables: Tables, words: Wording) -> list[tuple[str, str]]:
    total = tables.total
    return [
        (words("calls"), f"{total.calls:,}"),
        (words("mean"), f"{total.mean:.1f}"),
        (words("median"), f"{tables.quantile(0.5):g}"),
        (words("passed"), f"{total.pass_rate.percent:.1f}\u00a0%"),
        (words("fatal"), f"{total.fatal:,}"),
        (words("per-hundred"), f"{total.rate.percent:.1f}"),
        (words("hours"), f"{tables.duration_ms / 3_600_000:,.1f}"),
    ]


def _unsafe(tables: Tables, words: Wording) -> str:
    if not tables.unsafe:
        return ""
    some = words("list").join(tables.unsafe[:_UNSAFE])
    return words(
        "unsafe", count=tables.unsafe_calls, calls=some + ("…" if tables.unsafe_calls > _UNSAFE else "")
    )


def _agents(tables: Tables, words: Wording) -> Figure | str | None:
    if not tables.agents:
        return None
    found = view.outside(tables)
    return view.groups(tables, found, words, what="agent") if found else ""


def _names_note(tables: Tables, words: Wording) -> str:
    if not tables.names.anonymous:
        return words("named-note")
    return words("anonymous-note", first=next(iter(tables.agents), ""))


def _customers(tables: Tables, words: Wording) -> dict[str, Any]:
    signals = [(words.kind(name), count) for name, count in tables.signals.most_common()]
    motives = [(words.motive(name), count) for name, count in tables.motives.most_common()]
    told = {"commitment", "adoption", *tables.signals}
    kinds = [
        (words.kind(name), count) for name, count in tables.moment_calls.most_common() if name not in told
    ]
    return {
        name: view.shares(found, tables, words, name=name, key=key) if found else None
        for name, found, key in (
            ("signals", signals, "chart-signals"),
            ("motives", motives, "chart-motives"),
            ("moments", kinds, "chart-moments"),
        )
    } | {"customers": bool(signals or kinds)}


def _commitments(tables: Tables, words: Wording) -> dict[str, Any]:
    total = tables.total
    if not total.commitments:
        return {"commitments": None, "promises": []}
    bars = [
        Bar(words("timed"), total.commitments - total.vague, f"{total.commitments - total.vague:,}", "good"),
        Bar(words("vague"), total.vague, f"{total.vague:,}", "fair"),
    ]
    lists: list[Table] = [
        view.promises(islice(tables.vague, _PROMISES), words, caption=words("vague-examples")),
        view.promises(islice(tables.due, _PROMISES), words, caption=words("due-examples")),
    ]
    return {
        "commitments": charts.stack(bars, name="promises", title=words("commitments")),
        "promises": lists,
    }


def _quality(tables: Tables, words: Wording) -> list[Table]:
    found: list[Table] = []
    heads = (words("problem"), words("count"))
    if tables.rejects:
        rows = tuple(
            (view.text(problem), view.number(count))
            for problem, count in tables.reject_problems.most_common(20)
        )
        found.append(view.Table(f"{words('rejects')}（{tables.rejects:,}）", heads, rows))
    if tables.not_measurable:
        rows = tuple(
            (view.text(words.kind(kind)), view.number(count))
            for kind, count in tables.not_measurable.most_common()
        )
        found.append(view.Table(words("not-measurable"), (words("kind"), words("calls")), rows))
    return found


def _made_by(tables: Tables, words: Wording, card: CardNote) -> list[str]:
    digests = list(tables.digests)
    lines = [words("made-by", digest=words("list").join(digests[:3]))] if digests else []
    if card.title and card.passing is not None:
        lines.append(words("scorecard", title=card.title, passing=f"{card.passing:g}"))
    if len(digests) > 1:
        lines.append(words("mixed-digests", count=len(digests)))
    return lines


def _rule(rule: RuleCount, words: Wording) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "category": rule.category,
        "title": rule.title,
        "severity": rule.severity,
        "count": words("rule-count", hits=f"{rule.hits:,}", calls=f"{rule.calls:,}"),
        "examples": [_example(example, words) for example in rule.examples],
    }


def _example(example: Example, words: Wording) -> dict[str, Any]:
    where = [words("call") + " " + example.call_id, example.agent]
    if example.at_ms:
        where.append(clock(example.at_ms))
    return {
        "before": example.before,
        "speaker": example.before_speaker or "unknown",
        "pieces": cut(example.text, [(example.start, example.end, example.severity)]),
        "suggestion": example.suggestion,
        "where": " · ".join(filter(None, where)),
    }


def _call(picked: PickedCall, tables: Tables, words: Wording) -> dict[str, Any]:
    result = picked.result
    titles = {item.item: item.title for item in result.score.items}
    fatal = result.score.fatal
    return {
        "id": result.id,
        "points": words("in-points", points=f"{result.score.points:.1f}"),
        "fatal": titles.get(fatal, fatal) if fatal else "",
        "when": f"{result.started_at:%Y-%m-%d %H:%M}" if result.started_at else "",
        "agent": picked.agent,
        "team": result.team,
        "categories": [words.category(name) for name in result.categories],
        "lines": [
            f"{item.title} {item.points:+g}" if item.points else item.title for item in result.score.items
        ],
        "turns": turns_of(result, names=tables.names, words=words),
    }


@cache
def _asset(name: str) -> str:
    return (files("coach.review") / "templates" / name).read_text("utf-8")


@cache
def _page() -> Template:
    environment = Environment(
        loader=DictLoader({"report.html": _asset("report.html")}), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("report.html")


def _digest(asset: str) -> str:
    return "sha256-" + b64encode(sha256(asset.encode()).digest()).decode()
