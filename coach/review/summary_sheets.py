"""The sheets of the workbook that add up: overview, agents, teams, rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coach.review import view
from coach.review.rows import Column
from coach.review.story import story

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coach.review.rate import Rate
    from coach.review.rows import Row, Value
    from coach.review.tables import Group, Tables
    from coach.review.wording import Wording

OVERVIEW = (
    Column("what", ("概览", "Overview"), "text", 46),
    Column("value", ("数值", "Value"), "number", 14),
    Column("share", ("占比 %", "Share %"), "number", 12),
    Column("remark", ("说明", "Remark"), "text", 60),
)
_GROUP = (
    Column("calls", ("通话", "Calls"), "count", 8),
    Column("agent_turns", ("坐席句数", "Agent turns"), "count", 10),
    Column("faulty_turns", ("问题句数", "Faulty turns"), "count", 10),
    Column("per_hundred", ("每百句问题句", "Per 100"), "number", 9),
    Column("low", ("区间下限", "Low"), "number", 9),
    Column("high", ("区间上限", "High"), "number", 9),
    Column("sample", ("样本", "Sample"), "text", 10),
    Column("mean", ("平均分", "Mean score"), "number", 9),
    Column("passed", ("及格 %", "Passed %"), "number", 9),
    Column("fatal", ("一票否决", "Fatal"), "count", 9),
    Column("commitments", ("承诺", "Commitments"), "count", 8),
    Column("vague", ("没说清时间", "Vague"), "count", 11),
    Column("advised", ("可提示", "Advice due"), "count", 9),
    Column("adopted", ("说出建议", "Adopted"), "count", 9),
    Column("repaired", ("自行补救", "Repaired"), "count", 9),
    Column("repeated", ("再次出现", "Repeated"), "count", 9),
    Column("most", ("最多的三类问题", "Three most frequent"), "text", 40),
)
AGENTS = (Column("agent", ("坐席", "Agent"), "id", 14), Column("team", ("班组", "Team"), "id", 12), *_GROUP)
TEAMS = (Column("team", ("班组", "Team"), "id", 14), *_GROUP)
RULES = (
    Column("category", ("类别", "Category"), "category", 18),
    Column("title", ("规则", "Rule"), "text", 24),
    Column("severity", ("程度", "Severity"), "severity", 8),
    Column("hits", ("命中", "Hits"), "count", 8),
    Column("calls", ("通话", "Calls"), "count", 8),
    Column("share", ("通话占比 %", "Calls %"), "number", 11),
    Column("example", ("实例", "Example"), "text", 44),
    Column("suggestion", ("可以说", "Better"), "text", 44),
    Column("call_id", ("实例通话", "Example call"), "id", 22),
    Column("rule", ("规则编号", "Rule id"), "id", 28),
)
REJECTS = (
    Column("file", ("文件", "File"), "text", 30),
    Column("line", ("行", "Line"), "count", 8),
    Column("field", ("字段", "Field"), "text", 18),
    Column("problem", ("问题", "Problem"), "text", 60),
    Column("raw", ("原始内容", "As it came"), "text", 60),
)


def overview(tables: Tables, words: Wording) -> Iterator[Row]:
    """Return the key numbers, the distribution, the trend and what occurred how often."""
    total = tables.total
    for sentence in story(tables, words):
        yield (sentence,)
    if not total.calls:
        return
    yield from (
        (words("calls"), total.calls),
        (words("mean"), total.mean),
        (words("median"), tables.quantile(0.5)),
        (words("passed"), total.passed, total.pass_rate.percent),
        (words("fatal"), total.fatal, 100 * total.fatal / total.calls),
        (words("per-hundred"), total.faulty_turns, total.rate.percent, words("rate-note")),
        (words("commitments"), total.commitments),
        (words("vague"), total.vague, _percent(total.vague, total.commitments)),
        (words("advised"), total.advised),
        (words("adopted"), total.adopted, _percent(total.adopted, total.advised), words("adoption-note")),
        (words("rejects"), tables.rejects),
    )
    for figure in (
        view.scores(tables, words),
        view.problems(tables, words),
        *view.trend(tables, words)[1][:1],
    ):
        yield (None,)
        yield (figure.title,)
        for row in figure.table.rows:
            label, *numbers = row
            yield (label.text, *[cell.value for cell in numbers[:2]])
    yield (None,)
    yield (words("chart-moments"),)
    for name, count in tables.moment_calls.most_common():
        yield (words.kind(name), count, _percent(count, total.calls))


def agents(tables: Tables, words: Wording) -> Iterator[Row]:
    """Return every agent, by name."""
    for name in sorted(tables.agents, key=lambda name: (len(name), name)):
        yield (name, tables.agent_teams[name], *_group(tables.agents[name], words))


def teams(tables: Tables, words: Wording) -> Iterator[Row]:
    """Return every team, by name."""
    for name, group in sorted(tables.teams.items()):
        yield (name, *_group(group, words))


def rules(tables: Tables, words: Wording) -> Iterator[Row]:
    """Return every rule that was found, the most frequent first."""
    del words
    for rule in tables.by_count():
        example = next(iter(rule.examples), None)
        yield (
            rule.category,
            rule.title,
            rule.severity,
            rule.hits,
            rule.calls,
            _percent(rule.calls, tables.total.calls),
            example.text if example else "",
            example.suggestion if example else "",
            example.call_id if example else "",
            rule.rule,
        )


def _group(group: Group, words: Wording) -> tuple[Value, ...]:
    most = words("list").join(words.category(name) for name, _ in group.categories.most_common(3))
    return (
        group.calls,
        group.agent_turns,
        group.faulty_turns,
        *_rate(group.rate, words),
        group.mean,
        group.pass_rate.percent,
        group.fatal,
        group.commitments,
        group.vague,
        group.advised,
        group.adopted,
        group.repaired,
        group.repeated,
        most,
    )


def _rate(rate: Rate, words: Wording) -> tuple[Value, ...]:
    if not rate.enough:
        return None, None, None, words("small")
    return rate.percent, rate.low, rate.high, ""


def _percent(count: int, total: int) -> float | None:
    return 100 * count / total if total else None
