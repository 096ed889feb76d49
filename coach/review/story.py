"""The three sentences a manager reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.review.rate import Rate

if TYPE_CHECKING:
    from coach.review.tables import Tables
    from coach.review.wording import Wording


def story(tables: Tables, words: Wording) -> list[str]:
    """Return at most three sentences: how the batch went, what went wrong, what customers are owed."""
    if not tables.total.calls:
        return [words("empty")]
    return [_size(tables, words), _faults(tables, words), _customers(tables, words)]


def halves(tables: Tables) -> tuple[Rate, Rate] | None:
    """Return the rates of the first and second half of the days, when they differ by more than chance."""
    days = sorted(tables.days)
    groups = [tables.days[day] for day in days]
    middle = len(groups) // 2
    first, second = (
        Rate(sum(group.faulty_turns for group in half), sum(group.agent_turns for group in half))
        for half in (groups[:middle], groups[middle:])
    )
    return (first, second) if first.differs(second) else None


def _size(tables: Tables, words: Wording) -> str:
    total = tables.total
    span = ""
    if tables.days:
        groups = ""
        if tables.agents and tables.teams:
            groups = words("story-groups", agents=f"{len(tables.agents):,}", teams=f"{len(tables.teams):,}")
        span = words("story-span", first=min(tables.days), last=max(tables.days), groups=groups)
    return words(
        "story-size",
        calls=f"{total.calls:,}",
        span=span,
        mean=f"{total.mean:.1f}",
        passed=f"{total.pass_rate.percent:.1f}",
        fatal=words("story-fatal", fatal=f"{total.fatal:,}") if total.fatal else "",
    )


def _faults(tables: Tables, words: Wording) -> str:
    most = tables.total.categories.most_common(2)
    if not most:
        return words("story-clean")
    change = ""
    if (both := halves(tables)) is not None:
        before, after = both
        change = words(
            "story-better" if after.percent < before.percent else "story-worse",
            before=f"{before.percent:.1f}",
            after=f"{after.percent:.1f}",
        )
    return words(
        "story-faults",
        first=words.category(most[0][0]),
        share=f"{Rate(most[0][1], tables.total.calls).percent:.1f}",
        second=words("story-second", second=words.category(most[1][0])) if len(most) > 1 else "",
        rate=f"{tables.total.rate.percent:.1f}",
        change=change,
    )


def _customers(tables: Tables, words: Wording) -> str:
    return words(
        "story-customers",
        risk=f"{tables.leaving:,}",
        promises=f"{tables.total.commitments:,}",
        vague=f"{tables.total.vague:,}",
    )
